import * as z from 'zod';
import { decodeFeedCursor, type FeedCursor } from '../feed/feed-cursor.ts';
import { measureLag, readFeedHead, readFeedStart, refuseExpired } from '../feed/read-feed.ts';
import { createOperation } from '../operation/create-operation.ts';
import { isFinished, type Operation, type OperationDependencies, operationKind } from '../operation/operation.ts';
import type { OperationOutcome } from '../operation/run-operation.ts';
import { createFault, FaultError } from '../platform/fault.ts';
import { refuseField } from '../platform/validate.ts';
import { endReplay } from './end-replay.ts';
import { requireWebhook, type WebhookContext } from './manage-webhooks.ts';
import { webhookKind } from './webhook.ts';
import { ringWebhook } from './webhook-message.ts';
import type { WebhookReplay } from './webhook-state.ts';
import type { WebhookStates } from './webhook-states.ts';

const replayInputSchema = z.object({ from: z.int().nonnegative(), to: z.int().nonnegative() });

// As long as an event is tried, and a day for the rest.
const deadlineSeconds = 4 * 86_400;

/** @throws FaultError invalidRequest, cursorExpired */
const readCursor = async (
  { store, organization, now }: WebhookContext,
  text: string,
  field: 'fromCursor' | 'toCursor',
): Promise<FeedCursor> => {
  if (text === '0') return readFeedStart(store.table, organization.id, now());
  const cursor = decodeFeedCursor(text);
  if (cursor === undefined)
    throw refuseField(`#/${field}`, 'invalidCursor', 'The cursor is not one that the feed gave out');
  if ((await measureLag(store.table, organization.id, cursor, now())) === null)
    throw await refuseExpired(store.table, organization.id);
  return cursor;
};

const replayOf = (operation: Operation): WebhookReplay => {
  const { from, to } = replayInputSchema.parse(operation.input);
  return { operationId: operation.id, sequence: from, to, total: to - from };
};

/** The operation that sends this very range at present. @throws FaultError invalidState when another one is being sent */
const findRunning = async (
  { store, webhookStates, organization }: WebhookContext,
  webhookId: string,
  range: { readonly from: number; readonly to: number },
): Promise<Operation | undefined> => {
  const running = (await webhookStates.read(organization.id, webhookId))?.replay;
  if (running == null) return undefined;
  const operation = await store.get(operationKind, organization.id, running.operationId);
  if (operation === undefined || isFinished(operation)) return undefined;
  const { from, to } = replayInputSchema.parse(operation.input);
  if (from === range.from && to === range.to) return operation;
  throw new FaultError('invalidState', {
    detail: `The operation ${operation.id} sends events of this webhook again`,
    fix: 'Wait for that operation, or cancel it',
  });
};

/**
 * Sends events again that the webhook has had: those after `fromCursor`, up to `toCursor` or to where it is. New ones
 * come after them. Repeated, it gives the operation that is under way.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest, cursorExpired, invalidState
 */
export const startReplay = async (
  context: WebhookContext & OperationDependencies,
  webhookId: string,
  input: { readonly fromCursor: string; readonly toCursor?: string | undefined },
  options: { readonly ifMatch: number | undefined; readonly operationId: string },
): Promise<Operation> => {
  const { organization, webhookStates, queues, store, now } = context;
  const webhook = await requireWebhook(context, webhookId, options.ifMatch);
  if (webhook.status === 'disabled')
    throw new FaultError('invalidState', {
      detail: 'The webhook is disabled',
      fix: 'Enable the webhook, then repeat the request',
    });
  const from = await readCursor(context, input.fromCursor, 'fromCursor');
  const head = await readFeedHead(store.table, organization.id);
  const state = await webhookStates.align(organization.id, webhook, now());
  const end = input.toCursor === undefined ? head : await readCursor(context, input.toCursor, 'toCursor');
  // What it has not had yet it gets anyhow.
  const to = Math.max(from.sequence, Math.min(end.sequence, state.sequence));
  const range = { from: from.sequence, to };
  const running = await findRunning(context, webhookId, range);
  if (running !== undefined) return running;
  const operation = await createOperation(context, {
    organizationId: organization.id,
    kind: 'replayWebhook',
    subject: { type: 'webhook', id: webhookId },
    mailboxGroup: webhookId,
    input: range,
    deadlineSeconds,
    total: range.to - range.from,
    id: options.operationId,
  });
  if (isFinished(operation)) return operation;
  if (await webhookStates.startReplay(organization.id, webhookId, replayOf(operation)))
    await ringWebhook(queues, organization.id, webhookId, { reason: 'replay' }).catch(() => undefined);
  return operation;
};

/**
 * What the operations lane does when the message of a replay reaches it: usually nothing, since the request has told the
 * webhook already; otherwise what the request could not finish. Can be repeated.
 */
export const continueReplay = async (
  deps: OperationDependencies & { readonly webhookStates: WebhookStates },
  organizationId: string,
  operation: Operation,
): Promise<void> => {
  const { store, webhookStates } = deps;
  const webhookId = operation.subject.id;
  const replay = replayOf(operation);
  const finish = (outcome: OperationOutcome) => endReplay(deps, organizationId, operation.id, outcome);
  if ((await store.get(webhookKind, organizationId, webhookId)) === undefined) {
    // The request that deleted it died half-way: the watchdog sends this message until the operation has ended.
    await webhookStates.remove(organizationId, webhookId);
    return finish({ status: 'cancelled' });
  }
  const state = await webhookStates.read(organizationId, webhookId);
  if (state === undefined) return finish({ status: 'failed', fault: createFault('notFound') });
  if (state.replay?.operationId === operation.id) return;
  // Begun already: it would have come to its end between the two looks.
  if (operation.progress.done > 0) return;
  if (await webhookStates.startReplay(organizationId, webhookId, replay)) return;
  await finish({
    status: 'failed',
    fault: createFault('invalidState', { detail: 'Another range of this webhook is being sent again' }),
  });
};
