import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';
import { presentedSecretSchema, presentSecret } from '../platform/present-secret.ts';
import {
  disabledBySchema,
  type Mailbox,
  synchronizingClientSchema,
  type Workload,
  workloadStateSchema,
} from './mailbox.ts';
import { oauthAnswerSchema, presentOAuth } from './mailbox-oauth.ts';

const presentedWorkloadSchema = z.object({
  method: z.enum(['serverSideSync', 'client', 'forward', 'none']),
  state: workloadStateSchema,
  mode: z.enum(['active', 'observe']).optional(),
  lastTest: z
    .object({ at: z.string(), status: z.enum(['success', 'failure']), code: z.string().optional() })
    .nullable(),
  disabledBy: disabledBySchema.nullable(),
  fault: faultSchema.nullable(),
});

/** A mailbox as the API and the feed show it. */
export const mailboxAnswerSchema = z
  .object({
    id: z.string(),
    version: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
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
    deleteAfterProcessing: z.boolean(),
    credentials: z.object({ username: z.string().nullable(), password: presentedSecretSchema }),
    oauth: oauthAnswerSchema,
    primaryOrganization: z.object({ status: z.literal('unclaimed'), claimedAt: z.null() }),
    workloads: z.object({
      incoming: presentedWorkloadSchema,
      outgoing: presentedWorkloadSchema,
      act: presentedWorkloadSchema,
    }),
    synchronizingClient: synchronizingClientSchema.nullable().meta({
      description: 'The mail program that delivers and reports where a method is client.',
    }),
    retired: z.boolean().meta({ description: 'Its owner was deleted; it keeps its emails and does nothing any more.' }),
  })
  .meta({ id: 'Mailbox' });

const presentWorkload = ({ method, state, mode, lastTest, disabledBy, fault }: Workload) => ({
  method,
  state,
  mode,
  lastTest,
  disabledBy,
  fault,
});

export const presentMailbox = (mailbox: Mailbox): z.output<typeof mailboxAnswerSchema> => {
  const { mode: _, ...outgoing } = presentWorkload(mailbox.workloads.outgoing);
  return {
    id: mailbox.id,
    version: mailbox.version,
    createdAt: mailbox.createdAt,
    updatedAt: mailbox.updatedAt,
    kind: mailbox.kind,
    ownerId: mailbox.ownerId,
    emailAddress: mailbox.emailAddress,
    serverProfileId: mailbox.serverProfileId,
    approval: mailbox.approval,
    processEmailFrom: mailbox.processEmailFrom,
    deleteAfterProcessing: mailbox.deleteAfterProcessing,
    credentials: {
      username: mailbox.credentials.username,
      password: presentSecret(mailbox.credentials.password),
    },
    oauth: presentOAuth(mailbox.oauth),
    // Nothing claims a mailbox for one organization.
    primaryOrganization: { status: 'unclaimed', claimedAt: null },
    workloads: {
      incoming: presentWorkload(mailbox.workloads.incoming),
      outgoing,
      act: presentWorkload(mailbox.workloads.act),
    },
    synchronizingClient: mailbox.synchronizingClient,
    retired: mailbox.retired,
  };
};
