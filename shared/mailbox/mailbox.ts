import * as z from 'zod';
import { folderRuleSchema } from '../folder-rule/folder-rule.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { entityShape, sealedSecretSchema } from '../platform/values.ts';
import { mailboxOAuthSchema } from './mailbox-oauth.ts';

export const workloadNames = ['incoming', 'outgoing', 'act'] as const;
export const workloadNameSchema = z.enum(workloadNames);
export type WorkloadName = z.output<typeof workloadNameSchema>;

/** The workloads that have a lane in this deployment; ACT has none yet and stays off. */
export type SynchronizedWorkload = 'incoming' | 'outgoing';
export const synchronizedWorkloads: readonly SynchronizedWorkload[] = ['incoming', 'outgoing'];

export const workloadStateSchema = z.enum([
  'off',
  'notTested',
  'testing',
  'enabled',
  'retrying',
  'disabled',
  'probing',
]);
export type WorkloadState = z.output<typeof workloadStateSchema>;

export const disabledBySchema = z.enum(['admin', 'permanentError', 'takeover', 'ownerInactive', 'profile', 'channel']);
export type DisabledBy = z.output<typeof disabledBySchema>;

export const workloadSchema = z.object({
  method: z.enum(['serverSideSync', 'client', 'forward', 'none']),
  state: workloadStateSchema,
  mode: z.enum(['active', 'observe']),
  lastTest: z
    .object({ at: z.string(), status: z.enum(['success', 'failure']), code: z.string().optional() })
    .nullable(),
  /** True from a successful test until the address, profile, login or method changes. */
  testStands: z.boolean(),
  /** While state is `testing`: the operation that tests, and whether the workload was enabled before, or disabled by whom. */
  runningTest: z
    .object({ operationId: z.string(), wasEnabled: z.boolean(), disabledBy: disabledBySchema.optional() })
    .optional(),
  disabledBy: disabledBySchema.nullable(),
  fault: faultSchema.nullable(),
});
export type Workload = z.output<typeof workloadSchema>;

export const synchronizingClientSchema = z.object({ clientId: z.string(), since: z.string() });

/** A mailbox as stored: exactly one per user and per queue, and those that others forward to. Secrets are sealed. */
export const mailboxSchema = z.object({
  ...entityShape,
  kind: z.enum(['user', 'queue', 'forward']),
  ownerId: z.string().nullable(),
  emailAddress: z.string().nullable(),
  serverProfileId: z.string().nullable(),
  approval: z.object({
    status: z.enum(['empty', 'pending', 'approved', 'rejected']),
    by: z.string().nullable(),
    at: z.string().nullable(),
  }),
  processEmailFrom: z.string().nullable(),
  /** The instant incoming was first enabled: mail received before it is not pulled unless processEmailFrom says so. */
  incomingSince: z.string().nullable(),
  /** Mail of which the hub has an email is deleted on the server. */
  deleteAfterProcessing: z.boolean().default(false),
  credentials: z.object({ username: z.string().max(250).nullable(), password: sealedSecretSchema.nullable() }),
  /** Null: nobody has signed in for it. */
  oauth: mailboxOAuthSchema.nullable().default(null),
  workloads: z.object({ incoming: workloadSchema, outgoing: workloadSchema, act: workloadSchema }),
  /** Folders whose mail is tracked. */
  folderRules: z.array(folderRuleSchema).default([]),
  /** The mail program that alone delivers and reports, where a method is `client`; null: none has come forward. */
  synchronizingClient: synchronizingClientSchema.nullable().default(null),
  /** Set when the owner was deleted: the mailbox keeps its emails and does nothing any more. */
  retired: z.boolean(),
});
export type Mailbox = z.output<typeof mailboxSchema>;

/** Whether what the hub has stored is to leave the mailbox: one that is only observed stays as it is. */
export const deletesProcessed = ({
  deleteAfterProcessing,
  workloads,
}: Pick<Mailbox, 'deleteAfterProcessing' | 'workloads'>): boolean =>
  deleteAfterProcessing && workloads.incoming.mode === 'active';

export const mailboxKind: EntityKind<Mailbox> = {
  kind: 'mailbox',
  prefix: 'mbx',
  parse: (stored) => mailboxSchema.parse(stored),
};
