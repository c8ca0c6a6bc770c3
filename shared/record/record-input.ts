import * as z from 'zod';
import { addressSchema, normalizeAddress } from '../platform/address.ts';
import { patchSchemaOf } from '../platform/merge-patch.ts';
import { externalIdSchema, instantSchema } from '../platform/values.ts';
import { fieldsSchemaOf, storableNumberSchema } from './record-fields.ts';

const emailsSchema = z
  .array(z.strictObject({ address: addressSchema, primary: z.boolean().optional() }))
  .max(10)
  .refine((emails) => emails.filter(({ primary }) => primary === true).length <= 1, 'only one can be primary')
  .refine(
    (emails) => new Set(emails.map(({ address }) => normalizeAddress(address))).size === emails.length,
    'each address once',
  );

const customSchema = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,99}$/, 'letters, digits and _'),
    z.union([z.string().max(4000), storableNumberSchema, z.boolean()]),
  )
  .refine((custom) => Object.keys(custom).length <= 50, 'at most 50');

/** What the CRM says of a record; `fields` is checked further by the type. */
export const recordInputSchema = z.strictObject({
  externalId: externalIdSchema.nullable().default(null),
  displayName: z.string().min(1).max(400),
  emails: emailsSchema.default([]).meta({ description: 'The first is the primary address unless one says so.' }),
  ownerId: z.string().max(250).nullable().default(null).meta({ description: 'A user or a team.' }),
  visibleTo: z.array(z.string().max(250)).max(50).default([]).meta({ description: 'Users and teams.' }),
  status: z.enum(['active', 'inactive']).default('active'),
  createdAt: instantSchema.optional().meta({ description: 'When the CRM made the record.' }),
  custom: customSchema.default({}).meta({ description: 'Values that filters may ask for.' }),
  fields: z.record(z.string(), z.unknown()).default({}),
});

/** The same with the fields of one type. */
export const recordInputSchemaOf = (type: string) =>
  recordInputSchema.extend({ fields: fieldsSchemaOf(type).default({}) });
export type RecordInput = z.output<typeof recordInputSchema>;

/** Of PUT and PATCH alike: a field that is absent stays as it is, null resets it, `custom` and `fields` by member. */
export const recordPatchSchema = patchSchemaOf(
  recordInputSchema.extend({
    custom: z.record(z.string(), z.unknown()).default({}),
    fields: z.record(z.string(), z.unknown()).default({}),
  }),
).meta({ id: 'RecordInput' });
export type RecordPatch = z.output<typeof recordPatchSchema>;
