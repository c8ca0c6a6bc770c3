import type { WebhookMessage } from '../cycle/lane-message.ts';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { isFinished, type OperationDependencies } from '../operation/operation.ts';
import { type OperationOutcome, reportProgress } from '../operation/run-operation.ts';
import { organizationKind } from '../organization/organization.ts';
import { createFault } from '../platform/fault.ts';
import { createIdentifier } from '../platform/identifier.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { Timers } from '../platform/timers.ts';
import type { DialledPost } from '../transport/http/dialled-post.ts';
import { disableWebhook } from './disable-webhook.ts';
import { type DrainDependencies, type DrainEnd, drainFeed } from './drain-feed.ts';
import { endDeleted, endReplay } from './end-replay.ts';
import { attemptSeconds, openSecrets, postEvent } from './post-event.ts';
import { type Webhook, webhookKind } from './webhook.ts';
import { ringWebhook, webhookMessage, webhooksLane } from './webhook-message.ts';
import { type WebhookProgress, type WebhookReplay, type WebhookState, webhookTimerName } from './webhook-state.ts';
import { WebhookFenceError, type WebhookStates } from './webhook-states.ts';

export interface DeliveryDependencies extends OperationDependencies {
  readonly vault: SecretVault;
  readonly timers: Timers;
  readonly webhookStates: WebhookStates;
  /** A connection for one run. */
  readonly connect: () => DialledPost;
  readonly random: () => number;
}

type Verdict = LaneVerdict & { readonly outcome?: string };

/** Longer waits are left to a timer: a message that waits holds its whole group back. */
const longestPushBackSeconds = 120;
/** A webhook goes behind the others after so long, so that one with much to deliver does not hold a place for ever. */
const sliceMilliseconds = 20_000;
const endMarginMilliseconds = (attemptSeconds + 5) * 1000;

const armTimer = async (
  { timers }: DeliveryDependencies,
  { organizationId, webhookId, due }: WebhookState & { readonly due: number },
) => {
  // The body names the instant: an equal one within five minutes is swallowed.
  const body = webhookMessage(organizationId, webhookId, { reason: 'timer', occasion: String(due) });
  await timers.arm({ name: webhookTimerName(webhookId, due), at: due, lane: webhooksLane, group: webhookId, body });
};

/** What to do with the message of a webhook that waits for its next attempt. */
const rest = async (
  deps: DeliveryDependencies,
  state: WebhookState,
  { mustArm }: { readonly mustArm: boolean },
): Promise<Verdict> => {
  const { due } = state;
  if (due === null) return { done: true };
  const seconds = Math.ceil((due - deps.now().getTime()) / 1000);
  if (seconds <= longestPushBackSeconds) return { done: false, waitSeconds: Math.max(1, seconds) };
  if (mustArm) await armTimer(deps, { ...state, due });
  return { done: true, outcome: 'waiting' };
};

const progressOf = (state: WebhookState): WebhookProgress => {
  const { epoch, sequence, attempts, due, fault, lastSuccessAt, resumedAt, replay } = state;
  return { epoch, sequence, attempts, due, fault, lastSuccessAt, resumedAt, replay };
};

/** How a run tells the operation of a replay. */
const replayReports = (
  deps: DeliveryDependencies,
  organizationId: string,
): Pick<DrainDependencies, 'onReplayProgress' | 'onReplayExpired'> => {
  const finish = ({ operationId }: WebhookReplay, outcome: OperationOutcome) =>
    endReplay(deps, organizationId, operationId, outcome);
  return {
    onReplayProgress: async (replay) => {
      const left = replay.to - replay.sequence;
      if (left <= 0) {
        await finish(replay, { status: 'succeeded', result: { events: replay.total } });
        return true;
      }
      const progress = { done: Math.max(0, replay.total - left), total: replay.total };
      return !isFinished(await reportProgress(deps, organizationId, replay.operationId, progress));
    },
    onReplayExpired: (replay) => finish(replay, { status: 'failed', fault: createFault('cursorExpired') }),
  };
};

/** The webhook as it stands, with its state after it; undefined when there is nothing to deliver to. */
const findWebhook = async (
  deps: DeliveryDependencies,
  organizationId: string,
  webhookId: string,
  known: WebhookState | undefined,
): Promise<{ readonly webhook: Webhook; readonly state: WebhookState } | undefined> => {
  const { store, webhookStates, now } = deps;
  const webhook = await store.get(webhookKind, organizationId, webhookId);
  if (webhook === undefined) {
    if (known !== undefined) await endDeleted(deps, organizationId, webhookId);
    return undefined;
  }
  const follows = known !== undefined && known.version >= webhook.version;
  return { webhook, state: follows ? known : await webhookStates.align(organizationId, webhook, now()) };
};

const busySeconds = 5;

/** Comes back when the other run may have ended; at once when it was a change of the webhook that came between. */
const yieldTo = (state: WebhookState | undefined, now: Date): Verdict => {
  const busy = state?.runUntil !== undefined && state.runUntil > now.getTime();
  return { done: false, waitSeconds: busy ? busySeconds : 0 };
};

const conclude = async (
  deps: DeliveryDependencies,
  webhook: Webhook,
  state: WebhookState,
  end: DrainEnd,
  progress: WebhookProgress,
): Promise<Verdict> => {
  const { organizationId } = state;
  const { store, webhookStates, queues, now } = deps;
  if (end.kind === 'disable') {
    const fault = end.outcome.fault ?? createFault('endpointFailing');
    await webhookStates.save(state, progress, { end: false });
    const reason = end.outcome.gone ? 'endpointGone' : 'endpointFailing';
    const disabled = await disableWebhook(store, organizationId, webhook, reason, fault, now());
    if (disabled !== undefined) await webhookStates.align(organizationId, disabled, now());
    return { done: true, outcome: 'disabled' };
  }
  await webhookStates.save(state, progress, { end: true });
  if (end.kind === 'waiting') return rest(deps, { ...state, ...progress }, { mustArm: true });
  if (end.kind === 'continue') await ringWebhook(queues, organizationId, webhook.id, { reason: 'continue' });
  return { done: true, outcome: end.kind };
};

/**
 * Carries out one message of a webhook: delivers what waits for it, unless it waits for its next attempt or another run
 * has it. May be called again with the same message, and may end anywhere: what was delivered and not noted is then
 * delivered again.
 */
export const deliverPending = async (
  deps: DeliveryDependencies,
  message: WebhookMessage,
  delivery: { readonly receiveCount: number; readonly remainingMilliseconds: number },
): Promise<Verdict> => {
  const { store, webhookStates, now } = deps;
  const { organizationId, mailboxId: webhookId } = message;
  const known = await webhookStates.read(organizationId, webhookId);
  const follows = known !== undefined && message.reason !== 'changed';
  if (follows) {
    if (!known.enabled) return { done: true, outcome: 'disabled' };
    if (known.due !== null && known.due > now().getTime())
      // Delivered once more: the run that had it may have died before it armed.
      return rest(deps, known, { mustArm: delivery.receiveCount > 1 });
    const { sequence = Number.POSITIVE_INFINITY } = message;
    if (known.due === null && known.replay === null && known.sequence >= sequence) return { done: true };
  }
  const found = await findWebhook(deps, organizationId, webhookId, known);
  if (found === undefined || !found.state.enabled) return { done: true, outcome: 'disabled' };
  const { webhook } = found;
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined || organization.status === 'erasing') return { done: true };

  const begunAt = now();
  const secrets = await openSecrets(deps.vault, organization, webhook, begunAt);
  const runId = createIdentifier('req', begunAt.getTime());
  const until = begunAt.getTime() + delivery.remainingMilliseconds + 5_000;
  const state = await webhookStates.begin(found.state, runId, until, begunAt);
  if (state === undefined) return yieldTo(await webhookStates.read(organizationId, webhookId), begunAt);

  const connection = deps.connect();
  try {
    const { end, progress } = await drainFeed(
      {
        store,
        post: (event) => postEvent(connection, webhook, event, secrets, now),
        save: (moved) => webhookStates.save(state, moved, { end: false }),
        ...replayReports(deps, organizationId),
        maxRetrySeconds: organization.settings.webhooks.retry.maxSeconds,
        random: deps.random,
        now,
        deadline:
          begunAt.getTime() + Math.min(sliceMilliseconds, delivery.remainingMilliseconds - endMarginMilliseconds),
      },
      webhook,
      state,
      progressOf(state),
    );
    return await conclude(deps, webhook, state, end, progress);
  } catch (error) {
    // Changed or deleted meanwhile: whoever did that has rung for it.
    if (error instanceof WebhookFenceError) return { done: true, outcome: 'overtaken' };
    throw error;
  } finally {
    connection.close();
  }
};
