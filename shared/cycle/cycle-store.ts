import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SynchronizedWorkload } from '../mailbox/mailbox.ts';
import { type Cycle, type CycleCounts, cycleSchema, type FolderCursor } from './cycle.ts';
import { cycleKey } from './cycle-key.ts';
import type { NextCycle } from './plan-next.ts';

/** The run is over: another one took its generation, or the workload was disabled. Nothing was written. */
export class FenceError extends Error {
  constructor(message = 'The cycle has moved on') {
    super(message);
    this.name = 'FenceError';
  }
}

export interface Completion {
  readonly next: NextCycle;
  readonly startedAt: number;
  readonly completedAt: number;
  readonly counts: CycleCounts | undefined;
  readonly backlog: number | undefined;
  /** When the credentials that just worked were set. */
  readonly workedCredential: string | undefined;
  /** Synchronize operations that this run has answered. */
  readonly synchronized: readonly string[];
  /** Set aside: complete even though a wake came while the run went. */
  readonly evenIfWoken: boolean;
}

/** The cycle item as the lane sees it. Every write is fenced by the generation. */
export interface CycleStore {
  /** Strongly consistent unless `eventual` is asked for, at half the price. */
  read(
    organizationId: string,
    mailboxId: string,
    workload: SynchronizedWorkload,
    consistency?: 'eventual',
  ): Promise<Cycle | undefined>;
  /** @throws FenceError */
  saveCursor(cycle: Cycle, folder: string, previous: FolderCursor | undefined, next: FolderCursor): Promise<void>;
  /** @throws FenceError */
  mark(cycle: Cycle, marker: Cycle['marker']): Promise<void>;
  /** The run that is due waits until then. @throws FenceError */
  postpone(cycle: Cycle, until: number): Promise<void>;
  /** `woken`: something new came since the cycle was read, so this end would overlook it; nothing was written. */
  complete(cycle: Cycle, completion: Completion): Promise<Cycle | 'woken'>;
  /** Forgets synchronize operations that have been reported. */
  forgetSynchronized(cycle: Cycle, operationIds: readonly string[]): Promise<void>;
}

/** An update expression that is put together clause by clause. */
const collect = () => {
  const set: string[] = [];
  const removed: string[] = [];
  const values: Record<string, unknown> = {};
  const names: Record<string, string> = {};
  return {
    set: (attribute: string, value: unknown) => {
      names[`#${attribute}`] = attribute;
      values[`:${attribute}`] = value;
      set.push(`#${attribute} = :${attribute}`);
    },
    remove: (attribute: string) => {
      names[`#${attribute}`] = attribute;
      removed.push(`#${attribute}`);
    },
    build: () => ({
      expression: `SET ${set.join(', ')}${removed.length === 0 ? '' : ` REMOVE ${removed.join(', ')}`}`,
      names,
      values,
    }),
  };
};

/** Within one reading a cursor only rises; beginning anew takes the place of the reading before. */
const sameReading = (previous: FolderCursor, next: FolderCursor): string =>
  `cursors.#folder.reading = :reading${previous.reading === next.reading ? ' AND cursors.#folder.lastUid <= :lastUid' : ''}`;

export const createCycleStore = (document: DynamoDBDocumentClient, TableName: string): CycleStore => {
  const update = async (
    cycle: Cycle,
    change: {
      readonly expression: string;
      readonly condition?: string;
      readonly names?: Readonly<Record<string, string>>;
      readonly values: Readonly<Record<string, unknown>>;
    },
  ): Promise<Cycle> => {
    const fence = 'generation = :fence AND enabled = :enabledNow';
    const { Attributes } = await document.send(
      new UpdateCommand({
        TableName,
        Key: cycleKey(cycle.organizationId, cycle.mailboxId, cycle.workload),
        UpdateExpression: change.expression,
        ConditionExpression: change.condition === undefined ? fence : `${fence} AND ${change.condition}`,
        ...(change.names === undefined ? {} : { ExpressionAttributeNames: { ...change.names } }),
        ExpressionAttributeValues: { ...change.values, ':fence': cycle.generation, ':enabledNow': true },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return cycleSchema.parse(Attributes);
  };

  const fenced = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) throw new FenceError();
      throw error;
    }
  };

  return {
    read: async (organizationId, mailboxId, workload, consistency) => {
      const { Item } = await document.send(
        new GetCommand({
          TableName,
          Key: cycleKey(organizationId, mailboxId, workload),
          ConsistentRead: consistency !== 'eventual',
        }),
      );
      return Item === undefined ? undefined : cycleSchema.parse(Item);
    },

    saveCursor: async (cycle, folder, previous, next) => {
      await fenced(
        update(cycle, {
          expression: 'SET cursors.#folder = :next',
          condition: previous === undefined ? 'attribute_not_exists(cursors.#folder)' : sameReading(previous, next),
          names: { '#folder': folder },
          values: {
            ':next': next,
            ...(previous === undefined ? {} : { ':reading': previous.reading }),
            ...(previous?.reading === next.reading ? { ':lastUid': next.lastUid } : {}),
          },
        }),
      );
    },

    mark: async (cycle, marker) => {
      await fenced(
        update(
          cycle,
          marker === undefined
            ? { expression: 'REMOVE marker', values: {} }
            : { expression: 'SET marker = :marker', values: { ':marker': marker } },
        ),
      );
    },

    postpone: async (cycle, until) => {
      await fenced(update(cycle, { expression: 'SET waitsUntil = :until', values: { ':until': until } }));
    },

    complete: async (cycle, completion) => {
      const { next } = completion;
      const change = collect();
      const setOrRemove = (attribute: string, value: unknown, stood: unknown): void => {
        if (value !== undefined && value !== 0 && value !== false) change.set(attribute, value);
        else if (stood !== undefined) change.remove(attribute);
      };
      change.set('generation', cycle.generation + 1);
      change.set('enabled', next.enabled);
      change.set('due', next.due);
      change.set('reason', next.reason);
      change.set('lastStartedAt', completion.startedAt);
      change.set('lastCompletedAt', completion.completedAt);
      if (next.succeeded) change.set('lastSuccessAt', completion.completedAt);
      change.set('consecutiveFailures', next.consecutiveFailures);
      change.set('idleCycles', next.idleCycles);
      if (completion.counts !== undefined) change.set('lastCounts', completion.counts);
      if (completion.workedCredential !== undefined) change.set('workedCredential', completion.workedCredential);
      setOrRemove('backlog', completion.backlog, cycle.backlog);
      setOrRemove('credentialRefusals', next.credentialRefusals, cycle.credentialRefusals);
      setOrRemove('firstRefusalAt', next.firstRefusalAt, cycle.firstRefusalAt);
      setOrRemove('probing', next.probing, cycle.probing);
      setOrRemove('alerted', next.alerted, cycle.alerted);
      setOrRemove('slices', next.slices, cycle.slices);
      setOrRemove('waitsUntil', undefined, cycle.waitsUntil);
      // Careful runs write markers after the cycle was read, so the removal cannot depend on what stood then.
      change.remove('marker');
      const { expression, names, values } = change.build();
      const answered = completion.synchronized.length > 0;
      try {
        return await update(cycle, {
          expression: answered
            ? `${expression} ADD synchronized :answered DELETE synchronizations :answered`
            : expression,
          ...(completion.evenIfWoken ? {} : { condition: 'wakes = :wakes' }),
          names,
          values: {
            ...values,
            ...(completion.evenIfWoken ? {} : { ':wakes': cycle.wakes }),
            ...(answered ? { ':answered': new Set(completion.synchronized) } : {}),
          },
        });
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const stood = error.Item;
        const wokenOnly = stood?.['generation']?.N === String(cycle.generation) && stood?.['enabled']?.BOOL === true;
        if (wokenOnly) return 'woken';
        throw new FenceError();
      }
    },

    forgetSynchronized: async (cycle, operationIds) => {
      if (operationIds.length === 0) return;
      await document.send(
        new UpdateCommand({
          TableName,
          Key: cycleKey(cycle.organizationId, cycle.mailboxId, cycle.workload),
          UpdateExpression: 'DELETE synchronized :reported',
          ExpressionAttributeValues: { ':reported': new Set(operationIds) },
        }),
      );
    },
  };
};
