import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { clearingWrites } from '../alert/raise-alert.ts';
import type { AuditAction } from '../audit/audit-entry.ts';
import { auditWrite } from '../audit/audit-write.ts';
import { encodeFeedCursor } from '../feed/feed-cursor.ts';
import { eventTypeFilterSchema } from '../feed/feed-event.ts';
import { readFeedHead } from '../feed/read-feed.ts';
import type { OperationDependencies } from '../operation/operation.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore, WriteAlso } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { applyMergePatch, type MergePatch } from '../platform/merge-patch.ts';
import { type RecordWrite, recordKey } from '../platform/records-table.ts';
import type { SecretVault } from '../platform/secrets.ts';
import { transact } from '../platform/transact.ts';
import { validate } from '../platform/validate.ts';
import type { Dialler } from '../transport/connection.ts';
import type { HostPolicy } from '../transport/host-policy.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { endDeleted } from './end-replay.ts';
import { createWebhookSecret } from './sign-event.ts';
import { signingBesides, type Webhook, webhookKind, webhookLimit, webhookSecretPlace } from './webhook.ts';
import { ringWebhook, webhookMessage, webhooksLane } from './webhook-message.ts';
import type { WebhookStates } from './webhook-states.ts';

export interface WebhookContext {
  readonly store: EntityStore;
  readonly vault: SecretVault;
  readonly queues: LaneQueues;
  readonly webhookStates: WebhookStates;
  readonly dialler: Dialler;
  readonly hostPolicy: HostPolicy;
  readonly organization: Organization;
  readonly author: Author;
  readonly now: () => Date;
}

export const webhookInputSchema = z.strictObject({
  url: z.string().min(1).max(2000).meta({ description: 'Where events are posted; https.' }),
  types: z.array(eventTypeFilterSchema).min(1).max(50).nullable().default(null).meta({
    description: 'Types of events that it gets; email.* stands for all that begin so. null: all.',
  }),
  thin: z.boolean().default(true).meta({
    description: 'Events come without the resource that they are about, which is then read by its id.',
  }),
  status: z.enum(['enabled', 'disabled']).default('enabled'),
});
export type WebhookInput = z.output<typeof webhookInputSchema>;
export type WebhookPatch = MergePatch<z.input<typeof webhookInputSchema>>;

/** @throws FaultError notFound, versionMismatch */
export const requireWebhook = async (
  { store, organization }: Pick<WebhookContext, 'store' | 'organization'>,
  id: string,
  ifMatch?: number | undefined,
): Promise<Webhook> => {
  const webhook = await store.get(webhookKind, organization.id, id);
  if (webhook === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== webhook.version) throw new FaultError('versionMismatch');
  return webhook;
};

/** The message that makes the state follow this version, which the stream sends again. */
const announcing = (organizationId: string, webhookId: string, version: number): WriteAlso => ({
  attributes: {
    published: 'yes',
    laneMessages: [
      {
        lane: webhooksLane,
        mailboxId: webhookId,
        deduplicationId: `${webhookId}.changed.${version}`,
        body: webhookMessage(organizationId, webhookId, { reason: 'changed', occasion: String(version) }),
      },
    ],
  },
});

/** What the audit log says of a webhook; of its secret that there is another. */
const audited = (webhook: Webhook | undefined): object | null => {
  if (webhook === undefined) return null;
  const { url, types, thin, status, reason, secret } = webhook;
  return { url, types, thin, status, reason, secret };
};

const auditOf = (
  { organization, author, now }: WebhookContext,
  action: Extract<AuditAction, `webhook.${string}`>,
  before: Webhook | undefined,
  after: Webhook | undefined,
): RecordWrite =>
  auditWrite(organization.id, {
    author,
    now: now(),
    action,
    subject: { type: 'webhook', id: (after ?? before)?.id ?? '' },
    before: audited(before),
    after: audited(after),
  });

/** Makes the state follow the webhook. What a crash or an outage leaves out here, the message from the stream makes good. */
const follow = async (context: WebhookContext, webhook: Webhook): Promise<void> => {
  const { organization, queues, webhookStates, now } = context;
  await webhookStates.align(organization.id, webhook, now());
  await ringWebhook(queues, organization.id, webhook.id, {
    reason: 'changed',
    occasion: String(webhook.version),
  }).catch(() => undefined);
};

/** Two that are made at once may both pass. */
const requireRoom = async ({ store, organization }: WebhookContext): Promise<void> => {
  const { items } = await store.list(webhookKind, organization.id, { limit: webhookLimit });
  if (items.length >= webhookLimit)
    throw new FaultError('quotaExceeded', {
      detail: `An organization may have ${webhookLimit} webhooks`,
      fix: 'Delete a webhook that is no longer needed',
    });
};

/**
 * Makes a webhook, which gets what happens from now on; `secret` is shown this once. A request that is carried out again
 * under the same identifier replaces the secret, which nobody has seen.
 *
 * @throws FaultError invalidRequest, hostNotAllowed, quotaExceeded
 */
export const createWebhook = async (
  context: WebhookContext,
  id: string,
  input: WebhookInput,
): Promise<{ readonly webhook: Webhook; readonly secret: string }> => {
  const { store, vault, organization, now } = context;
  await checkEndpoint(input.url, context);
  const secret = createWebhookSecret();
  const sealed = await vault.seal(webhookSecretPlace(organization, id), secret, now());
  const existing = await store.get(webhookKind, organization.id, id);
  if (existing !== undefined) {
    const webhook = await changeTo(context, id, undefined, (current) => ({ ...current, secret: sealed }));
    return { webhook, secret };
  }
  await requireRoom(context);
  const at = now().toISOString();
  const webhook: Webhook = {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    ...input,
    reason: input.status === 'disabled' ? 'admin' : null,
    fault: null,
    startCursor: encodeFeedCursor(await readFeedHead(store.table, organization.id)),
    secret: sealed,
    previousSecret: null,
    olderSecrets: [],
  };
  await store.create(webhookKind, organization.id, webhook, {
    ...announcing(organization.id, id, 1),
    also: [auditOf(context, 'webhook.created', undefined, webhook)],
  });
  await follow(context, webhook);
  return { webhook, secret };
};

const alertCodes = ['endpointFailing', 'endpointGone', 'webhookGap'] as const;

/** In the same write as what ends their cause: a process that died in between would leave them open for good. */
const alertsCleared = async ({ store, organization, now }: WebhookContext, id: string): Promise<RecordWrite[]> => {
  const cleared = alertCodes.map((code) => clearingWrites(store, organization.id, code, id, { now: now() }));
  return (await Promise.all(cleared)).flat();
};

const changeTo = async (
  context: WebhookContext,
  id: string,
  ifMatch: number | undefined,
  change: (current: Webhook) => Webhook | Promise<Webhook>,
): Promise<Webhook> => {
  const { store, organization, now } = context;
  const webhook = await transact(store.table, async () => {
    const current = await requireWebhook(context, id, ifMatch);
    const changed = await change(current);
    if (isDeepStrictEqual(current, changed)) return { writes: [], result: current };
    const next: Webhook = { ...changed, version: current.version + 1, updatedAt: now().toISOString() };
    const isEnabledAgain = current.status === 'disabled' && next.status === 'enabled';
    return {
      writes: [
        ...store.writesOf(webhookKind, organization.id, current, next, announcing(organization.id, id, next.version)),
        auditOf(context, 'webhook.changed', current, next),
        ...(isEnabledAgain ? await alertsCleared(context, id) : []),
      ],
      result: next,
    };
  });
  await follow(context, webhook);
  return webhook;
};

const statusFields = (current: Webhook, status: Webhook['status']): Pick<Webhook, 'status' | 'reason' | 'fault'> => {
  if (status === current.status) return { status, reason: current.reason, fault: current.fault };
  return { status, reason: status === 'disabled' ? 'admin' : null, fault: null };
};

/**
 * Changes a webhook. Enabled again it resumes at the first event that was not delivered.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest, hostNotAllowed
 */
export const patchWebhook = (
  context: WebhookContext,
  id: string,
  patch: WebhookPatch,
  ifMatch: number | undefined,
): Promise<Webhook> =>
  changeTo(context, id, ifMatch, async (current) => {
    const { url, types, thin, status } = current;
    const input = validate(webhookInputSchema, applyMergePatch({ url, types, thin, status }, patch));
    if (input.url !== url) await checkEndpoint(input.url, context);
    return { ...current, ...input, ...statusFields(current, input.status) };
  });

const bothSignMilliseconds = 86_400_000;
// A signature of each stands in a header, which may not grow without end.
const mostReplacedSecrets = 5;

/**
 * Gives a webhook another secret, shown this once; the one before signs, too, for a day, and so does each that was
 * replaced within the last day: a request that is repeated because its answer was lost must not end what the receiver
 * knows.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const rotateSecret = async (
  context: WebhookContext,
  id: string,
  ifMatch: number | undefined,
): Promise<{ readonly webhook: Webhook; readonly secret: string }> => {
  const { vault, organization, now } = context;
  await requireWebhook(context, id, ifMatch);
  const secret = createWebhookSecret();
  const sealed = await vault.seal(webhookSecretPlace(organization, id), secret, now());
  const until = new Date(now().getTime() + bothSignMilliseconds).toISOString();
  const webhook = await changeTo(context, id, ifMatch, (current) => ({
    ...current,
    secret: sealed,
    previousSecret: { ...current.secret, until },
    olderSecrets: signingBesides(current, now()).slice(0, mostReplacedSecrets - 1),
  }));
  return { webhook, secret };
};

/**
 * Deletes a webhook. Its replay, if one goes on, is cancelled; where a crash leaves that out, the message of the
 * operation, which the watchdog repeats, makes it good.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const deleteWebhook = async (
  context: WebhookContext & OperationDependencies,
  id: string,
  ifMatch: number | undefined,
): Promise<void> => {
  const { store, organization, author } = context;
  await transact(store.table, async () => {
    const webhook = await requireWebhook(context, id, ifMatch);
    const { version } = webhook;
    return {
      writes: [
        {
          remove: recordKey(organization.id, webhookKind.kind, id),
          condition: { expression: 'entity.version = :version', values: { ':version': version } },
        },
        auditOf(context, 'webhook.deleted', webhook, undefined),
        ...(await alertsCleared(context, id)),
      ],
      result: undefined,
    };
  });
  await endDeleted(context, organization.id, id, { author });
};
