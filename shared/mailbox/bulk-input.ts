import * as z from 'zod';
import { actorSchema, originSchema } from '../platform/change.ts';
import { workloadNameSchema, workloadStateSchema } from './mailbox.ts';
import { testRequestSchema, workloadListSchema } from './mailbox-input.ts';

const selectSchema = z
  .strictObject({
    mailboxIds: z.array(z.string().max(250)).min(1).max(1000),
    serverProfileId: z.string().max(250),
    workload: workloadNameSchema,
    state: workloadStateSchema,
    kind: z.enum(['user', 'queue', 'forward']),
  })
  .partial()
  .refine((select) => Object.keys(select).length > 0, 'name at least one criterion')
  .meta({ description: 'The mailboxes that fit all the criteria.' });
export type BulkSelection = z.output<typeof selectSchema>;

// A message can be put off by twelve hours at most.
const longestPaceSeconds = 36_000;

const common = {
  select: selectSchema,
  pace: z
    .strictObject({ count: z.int().min(1).max(10_000), perSeconds: z.int().min(1).max(longestPaceSeconds) })
    .optional()
    .meta({ description: 'At most so many mailboxes in so many seconds; without it the servers set the pace.' }),
  dryRun: z.boolean().default(false).meta({ description: 'Only tell what would happen to each mailbox.' }),
};

const noArguments = z.strictObject({}).prefault({});

/** Bulk work on mailboxes as the API takes it: each action with its arguments. */
export const bulkInputSchema = z.discriminatedUnion('action', [
  z.strictObject({ ...common, action: z.literal('approve'), arguments: noArguments }),
  z.strictObject({
    ...common,
    action: z.literal('testAndEnable'),
    arguments: testRequestSchema.omit({ confirmTakeoverFrom: true }).prefault({}),
  }),
  z.strictObject({
    ...common,
    action: z.literal('enable'),
    arguments: z.strictObject({ workloads: workloadListSchema }),
  }),
  z.strictObject({
    ...common,
    action: z.literal('disable'),
    arguments: z.strictObject({ workloads: workloadListSchema }),
  }),
  z.strictObject({
    ...common,
    action: z.literal('sync'),
    arguments: z.strictObject({ workloads: workloadListSchema.optional() }).prefault({}),
  }),
  z.strictObject({ ...common, action: z.literal('applyDefaults'), arguments: noArguments }),
  z.strictObject({
    ...common,
    action: z.literal('setProfile'),
    arguments: z.strictObject({ serverProfileId: z.string().max(250) }),
  }),
]);
export type BulkInput = z.output<typeof bulkInputSchema>;

/** As the operation keeps it: with who asked, in whose name the changes are made. */
export const bulkOrderSchema = z.object({
  request: bulkInputSchema,
  author: z.object({ origin: originSchema, actor: actorSchema }),
});
