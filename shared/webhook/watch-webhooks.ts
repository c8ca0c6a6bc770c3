import * as z from 'zod';
import { feedHeadKey, fromHeadItem } from '../feed/feed-page.ts';
import { readFeed } from '../feed/read-feed.ts';
import { FaultError } from '../platform/fault.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import type { RecordsTable } from '../platform/records-table.ts';
import { ringWebhook } from './webhook-message.ts';
import { type WebhookState, webhookStateSchema, webhookStateSortKey } from './webhook-state.ts';

export interface WebhookWatch {
  /** True: the item is the state of a webhook, and it has been looked after. */
  visit(item: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** For how long the events of the slowest webhook wait that does not wait for a retry, in seconds. */
  readonly lagSeconds: () => number;
}

/** Beyond a timer's precision and a message's way through the queue. */
const graceMilliseconds = 90_000;

/**
 * The eyes of the watchdog on webhooks: rings for each that should have looked at the feed and has not, whatever lost its
 * message. `period` names the round, so that two watchdogs of one period send one message.
 */
export const createWebhookWatch = (deps: {
  readonly table: RecordsTable;
  readonly queues: LaneQueues;
  readonly now: () => Date;
  readonly periodSeconds: number;
}): WebhookWatch => {
  const { table, queues } = deps;
  const now = deps.now().getTime();
  const period = String(Math.floor(now / (deps.periodSeconds * 1000)));
  const ends = new Map<string, Promise<number>>();
  let lag = 0;

  const endOf = (organizationId: string): Promise<number> => {
    const known =
      ends.get(organizationId) ??
      table.get(feedHeadKey(organizationId), 'eventual').then((item) => fromHeadItem(item).next - 1);
    ends.set(organizationId, known);
    return known;
  };

  /** When the first event was appended that the webhook has not had; undefined when there is none any more. */
  const waitingSince = async ({
    organizationId,
    epoch,
    sequence,
    resumedAt,
  }: WebhookState): Promise<number | undefined> => {
    try {
      const { data } = await readFeed(
        table,
        organizationId,
        { cursor: { epoch, sequence }, limit: 1, waitSeconds: 0 },
        deps.now,
      );
      const [first] = data;
      return first === undefined ? undefined : Math.max(Date.parse(first.at), resumedAt);
    } catch (error) {
      // Its place is gone: the run that is rung for finds it again.
      if (error instanceof FaultError && error.fault.code === 'cursorExpired') return resumedAt;
      throw error;
    }
  };

  const look = async (state: WebhookState): Promise<void> => {
    const { organizationId, webhookId, due } = state;
    if (!state.enabled) return;
    const ring = () => ringWebhook(queues, organizationId, webhookId, { reason: 'watchdog', occasion: period });
    if (due !== null) {
      if (due + graceMilliseconds < now) await ring();
      return;
    }
    const runs = state.runUntil !== undefined && state.runUntil > now;
    if (state.replay !== null && !runs) await ring();
    if ((await endOf(organizationId)) === state.sequence) return;
    const since = await waitingSince(state);
    if (since === undefined || since >= now) return;
    lag = Math.max(lag, (now - since) / 1000);
    if (since + graceMilliseconds < now && !runs) await ring();
  };

  return {
    visit: async (item) => {
      if (item['sk'] !== webhookStateSortKey) return false;
      const state = webhookStateSchema.safeParse(item);
      if (!state.success) throw new Error(`The state of a webhook cannot be read: ${z.prettifyError(state.error)}`);
      await look(state.data);
      return true;
    },
    lagSeconds: () => lag,
  };
};
