import * as z from 'zod';
import { addressSchema } from '../platform/address.ts';
import { externalIdSchema, timeZoneSchema } from '../platform/values.ts';
import { filteringSchema } from './owner.ts';

const emailAddress = addressSchema
  .nullable()
  .default(null)
  .meta({ description: 'The address of the owner and of its mailbox; changing one changes both.' });

const memberIds = z.array(z.string().max(250)).max(500).default([]).meta({ description: 'Users.' });

const takeover = {
  confirmTakeoverFrom: z.string().max(250).optional().meta({
    description: 'The mailbox that is to lose the address, if it still has it.',
    writeOnly: true,
  }),
};

export const userInputSchema = z.strictObject({
  externalId: externalIdSchema.nullable().default(null),
  fullName: z.string().min(1).max(200),
  emailAddress,
  otherAddresses: z.array(addressSchema).max(20).default([]).meta({
    description: 'Further addresses that stand for this user; never those of a mailbox that is read.',
  }),
  status: z.enum(['active', 'inactive']).default('active'),
  timeZone: timeZoneSchema.nullable().default(null),
  locale: z
    .string()
    .regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/, 'a language tag such as de-CH')
    .nullable()
    .default(null),
  filtering: filteringSchema.nullable().default(null).meta({
    description: "Which mail becomes a record; null: the organization's default.",
  }),
  autoCreate: z.boolean().nullable().default(null).meta({
    description: "Unknown senders become records; null: the organization's default.",
  }),
  allowSendAs: z.boolean().default(false),
  canOwnEmail: z.boolean().default(true),
  ...takeover,
});
export type UserInput = z.output<typeof userInputSchema>;

export const queueInputSchema = z.strictObject({
  externalId: externalIdSchema.nullable().default(null),
  name: z.string().min(1).max(200),
  emailAddress,
  ownerId: z.string().max(250).nullable().default(null).meta({ description: 'A user or a team.' }),
  filtering: filteringSchema.default('all'),
  memberIds,
  ...takeover,
});
export type QueueInput = z.output<typeof queueInputSchema>;

export const teamInputSchema = z.strictObject({
  externalId: externalIdSchema.nullable().default(null),
  name: z.string().min(1).max(200),
  emailAddress: addressSchema.nullable().default(null),
  memberIds,
});
export type TeamInput = z.output<typeof teamInputSchema>;
