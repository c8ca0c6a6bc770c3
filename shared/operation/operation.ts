import * as z from 'zod';
import type { EntityChange, EntityKind, EntityStore } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { entityShape } from '../platform/values.ts';
import type { OperationWatch } from './operation-watch.ts';

export const operationKindSchema = z.enum([
  'testAndEnable',
  'testServerProfile',
  'synchronize',
  'bulkMailboxes',
  'replayDeadLetter',
  'replayDeadLetters',
  'trackMessage',
  'trackUpload',
  'reprocess',
  'resolveParty',
  'offerAgain',
  'replayWebhook',
  'eraseOrganization',
]);
export type OperationKind = z.output<typeof operationKindSchema>;

export const operationStatusSchema = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']);

/** Work that outlives its request. Kept 30 days; past `deadline` (instant) it is failed with `timedOut`. */
export const operationSchema = z.object({
  ...entityShape,
  kind: operationKindSchema,
  status: operationStatusSchema,
  subject: z.object({ type: z.string(), id: z.string() }),
  progress: z.object({ done: z.number().int(), total: z.number().int() }),
  result: z.record(z.string(), z.unknown()).optional(),
  fault: faultSchema.optional(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  deadline: z.string(),
  /** Counts the writes that leave the version alone. */
  revision: z.number().int().optional(),
  /** What the operation was asked to do, checked by the kind's own schema. */
  input: z.record(z.string(), z.unknown()),
  /** Paced work: until this instant no item is begun that is `count` of the pace or more behind the item `first`. */
  window: z.object({ first: z.number().int(), until: z.string() }).optional(),
  /** Attempts in a row that met what passes by itself: a server that is away or too busy. Progress begins them anew. */
  failedAttempts: z.number().int().optional(),
  /** The item of a bulk operation that this operation carries out. */
  parent: z.object({ operationId: z.string(), item: z.number().int() }).optional(),
});
export type Operation = z.output<typeof operationSchema>;

export const operationKind: EntityKind<Operation> = {
  kind: 'operation',
  prefix: 'opn',
  parse: (stored) => operationSchema.parse(stored),
  figure: ({ revision }) => (revision === undefined ? undefined : { attribute: 'entity.revision', value: revision }),
};

export const isFinished = (operation: Operation): boolean =>
  operation.status !== 'queued' && operation.status !== 'running';

const keptSeconds = 30 * 86_400;

/** When the table may drop an operation and its items: epoch seconds. */
export const operationExpiry = (createdAt: string): number => Math.ceil(Date.parse(createdAt) / 1000) + keptSeconds;

/**
 * The write of an operation that has got on, with the status that it had: progress never moves the version, or a client
 * could not cancel by If-Match what is under way.
 */
export const progressed = (next: Operation): EntityChange<Operation> => ({
  next: { ...next, revision: (next.revision ?? 0) + 1 },
  // One of an earlier release has no revision yet that could keep two writers apart.
  keepsVersion: next.revision !== undefined,
  expiresAt: operationExpiry(next.createdAt),
});

/** What starting, following and finishing operations needs. */
export interface OperationDependencies {
  readonly store: EntityStore;
  readonly queues: LaneQueues;
  readonly operationWatch: OperationWatch;
  readonly now: () => Date;
}
