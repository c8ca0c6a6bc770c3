import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ProbedPause, ThrottleChange } from './throttle-change.ts';
import {
  emptyThrottleItem,
  pauseAttributes,
  type ThrottleItem,
  type ThrottleKey,
  type ThrottleLine,
  throttleItemSchema,
} from './throttle-item.ts';

/** Where the counters stand. */
export interface ThrottleItems {
  /** The item after the change, or the one that stood in its way (undefined: there was none). */
  change(
    key: ThrottleKey,
    change: ThrottleChange,
  ): Promise<{ readonly done: ThrottleItem } | { readonly found: ThrottleItem | undefined }>;
  /** Makes the item unless there is one. */
  create(key: ThrottleKey): Promise<void>;
}

interface Expression {
  readonly update: string;
  readonly condition: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

const hasPassed = (line: ThrottleLine): string =>
  line === 'q' ? 'q <= :now' : `(attribute_not_exists(${line}) OR ${line} <= :now)`;

const probing = ({ side, pausedUntil, probeUntil }: ProbedPause): Expression => ({
  update: `${pauseAttributes[side].until} = :probeUntil`,
  condition: `${pauseAttributes[side].until} = :pausedUntil`,
  values: { ':pausedUntil': pausedUntil, ':probeUntil': probeUntil },
});

const expressionOf = (change: ThrottleChange): Expression => {
  switch (change.kind) {
    case 'take':
      return {
        update: 'SET leases.#me = :lease ADD n :one',
        condition: `n < :available${change.turn === undefined ? '' : ` AND ${hasPassed(change.line)}`} AND attribute_not_exists(leases.#me)${change.ignoresPause ? '' : ` AND attribute_not_exists(${pauseAttributes[change.side].until})`}`,
        names: { '#me': change.holder },
        values: {
          ':lease': change.lease,
          ':one': 1,
          ':available': change.available,
          ...(change.turn === undefined ? {} : { ':now': change.turn }),
        },
      };
    case 'takeOver':
      return {
        update: 'SET leases.#me = :lease',
        condition: 'leases.#me[0] = :expired',
        names: { '#me': change.holder },
        values: { ':lease': change.lease, ':expired': change.expired },
      };
    case 'replaceExpired': {
      const probed = change.probe && probing(change.probe);
      return {
        update: `SET leases.#me = :lease, died = :died${probed === undefined ? '' : `, ${probed.update}`} REMOVE ${change.expired.map((_, index) => `leases.#k${index}`).join(', ')} ADD n :difference`,
        condition: [
          'attribute_not_exists(leases.#me)',
          'n = :n',
          ...(probed === undefined ? [] : [probed.condition]),
          ...change.expired.map((_, index) => `leases.#k${index}[0] = :e${index}`),
        ].join(' AND '),
        names: {
          '#me': change.holder,
          ...Object.fromEntries(change.expired.map(([holder], index) => [`#k${index}`, holder])),
        },
        values: {
          ':lease': change.lease,
          ':died': change.died,
          ':difference': 1 - change.expired.length,
          ':n': change.n,
          ...Object.fromEntries(change.expired.map(([, expiry], index) => [`:e${index}`, expiry])),
          ...probed?.values,
        },
      };
    }
    case 'probe': {
      const probed = probing(change.probe);
      return {
        update: `SET leases.#me = :lease, ${probed.update} ADD n :one`,
        condition: `${probed.condition} AND n < :available AND attribute_not_exists(leases.#me)`,
        names: { '#me': change.holder },
        values: {
          ':lease': change.lease,
          ':available': change.available,
          ':one': 1,
          ...probed.values,
        },
      };
    }
    case 'ticket':
      return {
        update: `SET ${change.line} = :ticket`,
        condition:
          change.previous === undefined
            ? `attribute_exists(pk) AND attribute_not_exists(${change.line})`
            : `${change.line} = :previous`,
        values: {
          ':ticket': change.next,
          ...(change.previous === undefined ? {} : { ':previous': change.previous }),
        },
      };
    case 'release': {
      const removed = change.forgets ? 'leases.#me, died.#me' : 'leases.#me';
      return {
        ...(change.concluded === undefined
          ? {
              update: `SET #hold = :hold, heldSince = if_not_exists(heldSince, :since) REMOVE ${removed} ADD n :minus, held :held`,
              condition: 'leases.#me[0] = :expiry',
            }
          : {
              update: `SET #hold = :hold, heldSince = :since, stretch = :stretch, crowdedWindows = :crowded, demand = :demand REMOVE ${removed} ADD n :minus, held :held`,
              condition: 'leases.#me[0] = :expiry AND heldSince = :concluded',
            }),
        names: { '#me': change.holder, '#hold': 'hold' },
        values: {
          ':hold': change.hold,
          ':expiry': change.expiry,
          ':minus': -1,
          ':held': change.held - (change.concluded?.held ?? 0),
          ':since': change.concluded?.until ?? change.now,
          ...(change.concluded === undefined
            ? {}
            : {
                ':stretch': change.concluded.stretch,
                ':crowded': change.concluded.crowdedWindows,
                ':demand': change.concluded.demand,
                ':concluded': change.concluded.since,
              }),
        },
      };
    }
    case 'expire':
      return {
        update: 'SET leases.#me[0] = :now',
        condition: 'leases.#me[0] = :expiry',
        names: { '#me': change.holder },
        values: { ':now': change.now, ':expiry': change.expiry },
      };
    case 'pause': {
      const { until, fault, failures } = pauseAttributes[change.side];
      return {
        update: `SET ${until} = :until, #fault = :fault ADD ${failures} :one`,
        condition: 'attribute_exists(pk)',
        names: { '#fault': fault },
        values: { ':until': change.until, ':fault': change.fault, ':one': 1 },
      };
    }
    case 'resume': {
      const { until, fault, failures } = pauseAttributes[change.side];
      return {
        update: `SET ${failures} = :none REMOVE ${until}, #fault`,
        condition: `${failures} > :none`,
        names: { '#fault': fault },
        values: { ':none': 0 },
      };
    }
  }
};

/** The counters in the cycles table: each change is one conditional update. */
export const createThrottleTable = (document: DynamoDBDocumentClient, TableName: string): ThrottleItems => ({
  change: async (key, change) => {
    const expression = expressionOf(change);
    try {
      const { Attributes } = await document.send(
        new UpdateCommand({
          TableName,
          Key: { ...key },
          UpdateExpression: expression.update,
          ConditionExpression: expression.condition,
          ...(expression.names === undefined ? {} : { ExpressionAttributeNames: { ...expression.names } }),
          ExpressionAttributeValues: { ...expression.values },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { done: throttleItemSchema.parse(Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { found: error.Item === undefined ? undefined : throttleItemSchema.parse(unmarshall(error.Item)) };
    }
  },
  create: async (key) => {
    try {
      await document.send(
        new PutCommand({
          TableName,
          Item: { ...key, v: 1, ...emptyThrottleItem() },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  },
});
