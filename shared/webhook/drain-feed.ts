import { raiseAlert } from '../alert/raise-alert.ts';
import { decodeFeedCursor } from '../feed/feed-cursor.ts';
import type { FeedEvent } from '../feed/feed-event.ts';
import { readFeed, readFeedPlace } from '../feed/read-feed.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault, FaultError } from '../platform/fault.ts';
import type { AttemptOutcome } from './post-event.ts';
import { secondsToNextAttempt } from './retry-plan.ts';
import type { Webhook } from './webhook.ts';
import { deliveryIdOf, deliveryWrite, describeDelivery, type WebhookDelivery } from './webhook-delivery.ts';
import type { WebhookProgress, WebhookState } from './webhook-state.ts';

/**
 * drained: nothing is left · continue: there is more than this slice had time for · waiting: the next attempt is at
 * `due` · disable: the endpoint fails for good.
 */
export type DrainEnd =
  | { readonly kind: 'drained' | 'continue' | 'waiting' }
  | { readonly kind: 'disable'; readonly outcome: AttemptOutcome };

export interface DrainDependencies {
  readonly store: EntityStore;
  readonly post: (event: FeedEvent) => Promise<AttemptOutcome>;
  /** @throws WebhookFenceError when the run has lost the webhook */
  readonly save: (progress: WebhookProgress) => Promise<void>;
  /** Tells the replay's operation how far it is; false when it was cancelled. */
  readonly onReplayProgress: (replay: NonNullable<WebhookState['replay']>) => Promise<boolean>;
  /** The replay's range is no longer kept. */
  readonly onReplayExpired: (replay: NonNullable<WebhookState['replay']>) => Promise<void>;
  readonly maxRetrySeconds: number;
  readonly random: () => number;
  readonly now: () => Date;
  /** Epoch milliseconds after which no further attempt begins. */
  readonly deadline: number;
}

const eventsAtOnce = 100;
// What a killed run has delivered and not noted is delivered again.
const saveEveryMilliseconds = 1_000;

const isExpired = (error: unknown): boolean => error instanceof FaultError && error.fault.code === 'cursorExpired';

/**
 * Posts what the feed holds for a webhook, one event after the other in the order of the feed: first the range that is
 * to be sent again, then what is new. The place moves past an event only once the endpoint has taken it. Returns with
 * `progress` moved as far as it came; what has not been saved is for the caller to save.
 */
export const drainFeed = async (
  deps: DrainDependencies,
  webhook: Webhook,
  state: WebhookState,
  begin: WebhookProgress,
): Promise<{ readonly end: DrainEnd; readonly progress: WebhookProgress }> => {
  const { store, now } = deps;
  const { organizationId } = state;
  let progress = begin;
  let savedAt = now().getTime();
  let notes: Promise<void>[] = [];

  const position = (): number => progress.replay?.sequence ?? progress.sequence;
  const moveTo = (sequence: number): void => {
    progress =
      progress.replay === null ? { ...progress, sequence } : { ...progress, replay: { ...progress.replay, sequence } };
  };
  /** What failed was at an event of the range: the next one of the feed has not been tried yet. */
  const endReplay = (): void => {
    progress = { ...progress, replay: null, attempts: 0, due: null, fault: null };
  };
  const note = (delivery: WebhookDelivery): void => {
    notes.push(store.table.write([deliveryWrite(organizationId, delivery)]));
  };
  const flush = async (): Promise<void> => {
    const pending = notes;
    notes = [];
    await Promise.all(pending);
  };
  const save = async (): Promise<void> => {
    await flush();
    await deps.save(progress);
    savedAt = now().getTime();
  };

  /** Goes on where the feed still is, after a place of it that is gone, and says so. */
  const relocate = async (): Promise<void> => {
    const { replay } = progress;
    if (replay !== null) {
      await deps.onReplayExpired(replay);
      endReplay();
    } else {
      const { epoch, sequence } = await readFeedPlace(store.table, organizationId, progress.sequence, now());
      progress = { ...progress, epoch, sequence };
      await raiseAlert(store, {
        organizationId,
        level: 'warning',
        scope: 'organization',
        fault: createFault('webhookGap', { detail: `${new URL(webhook.url).host} goes on after event ${sequence}` }),
        subject: { type: 'webhook', id: webhook.id },
        now: now(),
      });
    }
    await save();
  };

  const readNext = async () => {
    const { data, nextCursor, hasMore } = await readFeed(
      store.table,
      organizationId,
      {
        cursor: { epoch: progress.epoch, sequence: position() },
        limit: eventsAtOnce,
        types: webhook.types ?? undefined,
        waitSeconds: 0,
      },
      now,
    );
    const to = progress.replay?.to ?? Number.POSITIVE_INFINITY;
    const reached = decodeFeedCursor(nextCursor)?.sequence ?? position();
    return {
      events: data.filter(({ sequence }) => sequence <= to),
      reached: Math.min(reached, to),
      hasMore: hasMore && reached < to,
    };
  };

  /** Undefined: it was taken. */
  const attempt = async (event: FeedEvent): Promise<DrainEnd | undefined> => {
    const outcome = await deps.post(event);
    const attempts = progress.attempts + 1;
    const deliveryId = deliveryIdOf(webhook.id, event, progress.replay);
    const { responseStatus, seconds, fault } = outcome;
    const operationId = progress.replay?.operationId ?? null;
    const figures = { at: outcome.at, attempts, responseStatus, seconds, fault, operationId };
    const { id } = webhook;
    if (fault === null) {
      note(describeDelivery(id, deliveryId, event, { ...figures, status: 'succeeded', nextAttemptAt: null }));
      const at = now().getTime();
      const resumedAt = progress.attempts > 0 ? at : progress.resumedAt;
      progress = { ...progress, attempts: 0, due: null, fault: null, lastSuccessAt: at, resumedAt };
      moveTo(event.sequence);
      return undefined;
    }
    const wait = outcome.gone
      ? undefined
      : secondsToNextAttempt(attempts, {
          retryAfterSeconds: outcome.retryAfterSeconds,
          maxSeconds: deps.maxRetrySeconds,
          random: deps.random,
        });
    const due = wait === undefined ? null : Math.ceil(now().getTime() + wait * 1000);
    const nextAttemptAt = due === null ? null : new Date(due);
    const status = due === null ? 'failed' : 'retrying';
    note(describeDelivery(id, deliveryId, event, { ...figures, status, nextAttemptAt }));
    progress = { ...progress, attempts, due, fault };
    return due === null ? { kind: 'disable', outcome } : { kind: 'waiting' };
  };

  const drain = async (): Promise<DrainEnd> => {
    // An endpoint that takes nothing must not keep a range going that nobody wants any more.
    if (progress.replay !== null && !(await deps.onReplayProgress(progress.replay))) {
      endReplay();
      await save();
    }
    for (;;) {
      if (now().getTime() >= deps.deadline) return { kind: 'continue' };
      const batch = await readNext().catch((error: unknown) => {
        if (isExpired(error)) return undefined;
        throw error;
      });
      if (batch === undefined) {
        await relocate();
        continue;
      }
      for (const event of batch.events) {
        if (now().getTime() >= deps.deadline) return { kind: 'continue' };
        const end = await attempt(event);
        if (end !== undefined) return end;
        if (now().getTime() - savedAt >= saveEveryMilliseconds) await save();
      }
      moveTo(batch.reached);
      const { replay } = progress;
      if (replay !== null && (!(await deps.onReplayProgress(replay)) || replay.sequence >= replay.to)) {
        endReplay();
        await save();
        continue;
      }
      // What is appended from here on rings for itself.
      if (replay === null && !batch.hasMore) return { kind: 'drained' };
    }
  };

  const end = await drain();
  await flush();
  return { end, progress };
};
