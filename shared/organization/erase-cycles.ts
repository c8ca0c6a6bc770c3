import { DeleteCommand, type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { timerNamesOf } from '../cycle/arm-cycle.ts';
import { cycleSchema } from '../cycle/cycle.ts';
import { readCycleKey } from '../cycle/cycle-key.ts';
import { operationTimerName, watchedOperationSchema, watchedOperationSortKey } from '../operation/operation-watch.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import type { Timers } from '../platform/timers.ts';
import { throttleItemSchema } from '../throttle/throttle-item.ts';
import { webhookStateSchema, webhookStateSortKey, webhookTimerName } from '../webhook/webhook-state.ts';

type Item = Readonly<Record<string, unknown>>;

/** What the cycles table holds of an organization, with the timers that its items tell of. */
export interface OrganizationCycles {
  /** Removes what makes mail move. Answers how much work for it is still under way, and how many items it has removed. */
  stop(
    organizationId: string,
    checkDeadline: () => void,
  ): Promise<{ readonly underWay: number; readonly removed: number }>;
  /** Removes everything. Answers how many items that were. */
  removeAll(organizationId: string, checkDeadline: () => void): Promise<number>;
}

const parallelRemovals = 10;

/**
 * Places held: connections of its profiles, invocations of the lanes that work for it, a webhook that is posted to. An
 * item that cannot be read keeps nothing from going: whoever wrote it meets the end of the organization later.
 */
const runsIn = (item: Item, now: number): number => {
  if (item['sk'] === webhookStateSortKey) return (webhookStateSchema.safeParse(item).data?.runUntil ?? 0) > now ? 1 : 0;
  const leases = throttleItemSchema.safeParse(item).data?.leases ?? {};
  return Object.values(leases).filter(([expiry]) => expiry > now).length;
};

/** The timers that may stand for an item. One that does not is no harm: to take it back again is to find nothing. */
const timersOf = (item: Item): readonly string[] => {
  if (readCycleKey(item) !== undefined) {
    const cycle = cycleSchema.safeParse(item);
    return cycle.success ? timerNamesOf(cycle.data) : [];
  }
  if (item['sk'] === webhookStateSortKey) {
    const state = webhookStateSchema.safeParse(item);
    return state.success && state.data.due !== null ? [webhookTimerName(state.data.webhookId, state.data.due)] : [];
  }
  if (item['sk'] !== watchedOperationSortKey) return [];
  const operation = watchedOperationSchema.safeParse(item);
  return operation.success ? [operationTimerName(operation.data.operationId, operation.data.due)] : [];
};

/**
 * The table is keyed by mailbox, profile, webhook and operation, and some of those are gone long before their items:
 * so it is walked whole. The watchdog does the same every few minutes.
 */
export const createOrganizationCycles = (deps: {
  readonly document: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly timers: Pick<Timers, 'disarm'>;
  readonly now: () => Date;
}): OrganizationCycles => {
  const { document, tableName: TableName, timers } = deps;

  const pagesOf = async function* (organizationId: string, checkDeadline: () => void): AsyncGenerator<readonly Item[]> {
    const pages = paginateScan(
      { client: document },
      {
        TableName,
        ConsistentRead: true,
        FilterExpression: 'begins_with(pk, :prefix)',
        ExpressionAttributeValues: { ':prefix': `${organizationId}#` },
      },
    );
    for await (const { Items = [] } of pages) {
      checkDeadline();
      yield Items;
    }
  };

  // The timer first: without its item nobody knows its name any more.
  const remove = async (item: Item): Promise<void> => {
    for (const name of timersOf(item)) await timers.disarm(name);
    await document.send(new DeleteCommand({ TableName, Key: { pk: item['pk'], sk: item['sk'] } }));
  };

  return {
    stop: async (organizationId, checkDeadline) => {
      const now = deps.now().getTime();
      let underWay = 0;
      let removed = 0;
      for await (const items of pagesOf(organizationId, checkDeadline)) {
        for (const item of items) underWay += runsIn(item, now);
        const cycles = items.filter((item) => readCycleKey(item) !== undefined);
        await forEachParallel(cycles, parallelRemovals, remove);
        removed += cycles.length;
      }
      return { underWay, removed };
    },
    removeAll: async (organizationId, checkDeadline) => {
      let removed = 0;
      for await (const items of pagesOf(organizationId, checkDeadline)) {
        await forEachParallel(items, parallelRemovals, remove);
        removed += items.length;
      }
      return removed;
    },
  };
};
