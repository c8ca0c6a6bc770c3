import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Fault } from '../platform/fault.ts';
import {
  defaultHoldMilliseconds,
  explainRefusal,
  nextTicket,
  type ThrottleItem,
  type ThrottleKey,
  throttleItemSchema,
} from './throttle-item.ts';

export interface Claim {
  readonly key: ThrottleKey;
  /** `<mailbox>+<lane>`; two claims of one holder never live at the same time. */
  readonly holder: string;
  readonly generation: number;
  /** Connections that this lane may see taken and still take one. */
  readonly available: number;
  /** Epoch milliseconds; after it the place is free again whatever happened to the holder. */
  readonly expiresAt: number;
  /** It has waited its turn, so the queue of the others is not its concern. */
  readonly hasTicket: boolean;
  /** A person asked for this connection (a test), so that it is tried even while the profile is paused. */
  readonly ignoresPause: boolean;
  /** Until when other runs stay away if this one turns out to try a paused profile. */
  readonly probeUntil: number;
}

export interface Lease {
  readonly key: ThrottleKey;
  readonly holder: string;
  readonly expiresAt: number;
  readonly acquiredAt: number;
  readonly hold: number;
  /** A run of the same generation died while it held this lease. */
  readonly recovered: boolean;
  /** Faults of the profile in a row when the lease was taken. */
  readonly profileFailures: number;
}

export type ClaimResult =
  | { readonly lease: Lease }
  | { readonly refused: 'running' | 'full'; readonly until: number }
  | { readonly refused: 'paused'; readonly until: number; readonly fault: Fault | undefined };

/** Takes and gives back places at a server. Each call is one conditional write when nothing is in the way. */
export interface Throttle {
  acquire(claim: Claim): Promise<ClaimResult>;
  release(lease: Lease): Promise<void>;
  /** The whole profile failed: nobody tries before `until`. */
  pause(key: ThrottleKey, until: number, fault: Fault): Promise<void>;
  /** One success resumes the profile. */
  resume(key: ThrottleKey): Promise<void>;
}

const attempts = 6;
const smoothing = 0.2;

export const createThrottle = (document: DynamoDBDocumentClient, TableName: string, now: () => number): Throttle => {
  /** The item after the update, or the one that stood in its way (undefined: there was none). */
  const update = async (
    key: ThrottleKey,
    expression: {
      readonly update: string;
      readonly condition: string;
      readonly names?: Readonly<Record<string, string>>;
      readonly values: Readonly<Record<string, unknown>>;
    },
  ): Promise<{ readonly done: ThrottleItem } | { readonly found: ThrottleItem | undefined }> => {
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
  };

  const create = async (key: ThrottleKey): Promise<void> => {
    try {
      await document.send(
        new PutCommand({
          TableName,
          Item: { ...key, v: 1, n: 0, q: 0, leases: {} },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  };

  const leaseOf = (claim: Claim, item: ThrottleItem, recovered: boolean): { readonly lease: Lease } => ({
    lease: {
      key: claim.key,
      holder: claim.holder,
      expiresAt: claim.expiresAt,
      acquiredAt: now(),
      hold: item.hold ?? defaultHoldMilliseconds,
      recovered,
      profileFailures: item.failures ?? 0,
    },
  });

  const tryPlainly = (claim: Claim) =>
    update(claim.key, {
      update: 'SET leases.#me = :lease ADD n :one',
      condition: `n < :available${claim.hasTicket ? '' : ' AND q <= :now'} AND attribute_not_exists(leases.#me)${claim.ignoresPause ? '' : ' AND attribute_not_exists(pausedUntil)'}`,
      names: { '#me': claim.holder },
      values: {
        ':lease': [claim.expiresAt, claim.generation],
        ':one': 1,
        ':available': claim.available,
        ...(claim.hasTicket ? {} : { ':now': now() }),
      },
    });

  const takeOver = (claim: Claim, died: readonly [number, number]) =>
    update(claim.key, {
      update: 'SET leases.#me = :lease',
      condition: 'leases.#me[0] = :expired',
      names: { '#me': claim.holder },
      values: { ':lease': [claim.expiresAt, claim.generation], ':expired': died[0] },
    });

  const replaceExpired = (claim: Claim, item: ThrottleItem, keys: readonly string[]) =>
    update(claim.key, {
      update: `SET leases.#me = :lease REMOVE ${keys.map((_, index) => `leases.#k${index}`).join(', ')} ADD n :difference`,
      condition: [
        'attribute_not_exists(leases.#me)',
        'n = :n',
        ...keys.map((_, index) => `leases.#k${index}[0] = :e${index}`),
      ].join(' AND '),
      names: { '#me': claim.holder, ...Object.fromEntries(keys.map((key, index) => [`#k${index}`, key])) },
      values: {
        ':lease': [claim.expiresAt, claim.generation],
        ':difference': 1 - keys.length,
        ':n': item.n,
        ...Object.fromEntries(keys.map((key, index) => [`:e${index}`, item.leases[key]?.[0]])),
      },
    });

  const probe = (claim: Claim, pausedUntil: number) =>
    update(claim.key, {
      update: 'SET leases.#me = :lease, pausedUntil = :probeUntil ADD n :one',
      condition: 'pausedUntil = :pausedUntil AND n < :available AND attribute_not_exists(leases.#me)',
      names: { '#me': claim.holder },
      values: {
        ':lease': [claim.expiresAt, claim.generation],
        ':probeUntil': claim.probeUntil,
        ':pausedUntil': pausedUntil,
        ':available': claim.available,
        ':one': 1,
      },
    });

  const takeTicket = async (claim: Claim, item: ThrottleItem): Promise<ClaimResult | undefined> => {
    const ticket = nextTicket(item, claim.available, now());
    const taken = await update(claim.key, {
      update: 'SET q = :ticket',
      condition: 'q = :q',
      values: { ':ticket': ticket, ':q': item.q },
    });
    return 'done' in taken ? { refused: 'full', until: ticket } : undefined;
  };

  return {
    acquire: async (claim) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const plain = await tryPlainly(claim);
        if ('done' in plain) return leaseOf(claim, plain.done, false);
        if (plain.found === undefined) {
          await create(claim.key);
          continue;
        }
        const item = plain.found;
        const refusal = explainRefusal(item, claim, now());
        switch (refusal.kind) {
          case 'running':
            return { refused: 'running', until: refusal.until };
          case 'paused':
            return { refused: 'paused', until: refusal.until, fault: refusal.fault };
          case 'died': {
            const taken = await takeOver(claim, refusal.lease);
            if ('done' in taken) return leaseOf(claim, taken.done, refusal.lease[1] === claim.generation);
            break;
          }
          case 'probe': {
            const taken = await probe(claim, refusal.pausedUntil);
            if ('done' in taken) return leaseOf(claim, taken.done, false);
            break;
          }
          case 'expired': {
            const taken = await replaceExpired(claim, item, refusal.keys);
            if ('done' in taken) return leaseOf(claim, taken.done, false);
            break;
          }
          case 'full': {
            const refused = await takeTicket(claim, item);
            if (refused !== undefined) return refused;
            break;
          }
          case 'again':
            break;
        }
      }
      // So many others came between that trying on would only add to them.
      return { refused: 'full', until: now() + 1_000 };
    },
    release: async (lease) => {
      const held = Math.max(0, now() - lease.acquiredAt);
      await update(lease.key, {
        update: 'SET #hold = :hold REMOVE leases.#me ADD n :minus',
        condition: 'leases.#me[0] = :expiry',
        names: { '#me': lease.holder, '#hold': 'hold' },
        values: {
          ':hold': Math.round(lease.hold * (1 - smoothing) + held * smoothing),
          ':expiry': lease.expiresAt,
          ':minus': -1,
        },
      });
    },
    pause: async (key, until, fault) => {
      await update(key, {
        update: 'SET pausedUntil = :until, #fault = :fault ADD failures :one',
        condition: 'attribute_exists(pk)',
        names: { '#fault': 'fault' },
        values: { ':until': until, ':fault': fault, ':one': 1 },
      });
    },
    resume: async (key) => {
      await update(key, {
        update: 'SET failures = :none REMOVE pausedUntil, #fault',
        condition: 'failures > :none',
        names: { '#fault': 'fault' },
        values: { ':none': 0 },
      });
    },
  };
};
