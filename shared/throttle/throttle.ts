import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Fault } from '../platform/fault.ts';
import type { ProbedPause } from './throttle-change.ts';
import {
  defaultHoldMilliseconds,
  explainRefusal,
  nextTicket,
  pauseAttributes,
  rememberDead,
  type ThrottleItem,
  type ThrottleKey,
  type ThrottleLine,
  type ThrottleSide,
  throttleSides,
} from './throttle-item.ts';
import { createThrottleTable, type ThrottleItems } from './throttle-table.ts';
import { type ConcludedWindow, concludeWindow } from './utilization.ts';

export interface Claim {
  readonly key: ThrottleKey;
  /** `<mailbox>+<lane>`; two claims of one holder never live at the same time. */
  readonly holder: string;
  readonly generation: number;
  /** Connections that this lane may see taken and still take one. */
  readonly available: number;
  /** Connections that those who read may take, against which utilization is measured. */
  readonly places: number;
  /** Epoch milliseconds; after it the place is free again whatever happened to the holder. */
  readonly expiresAt: number;
  /** The line in which those wait who find no place. */
  readonly line: ThrottleLine;
  /** It has waited its turn, so the line is not its concern. */
  readonly hasTicket: boolean;
  /** Which server of the profile it goes to. */
  readonly side: ThrottleSide;
  /** A person asked for this connection (a test), so that it is tried even while the profile is paused. */
  readonly ignoresPause: boolean;
  /** Until when other runs stay away if this one turns out to try a paused server. */
  readonly probeUntil: number;
}

export interface Lease {
  readonly key: ThrottleKey;
  readonly holder: string;
  readonly expiresAt: number;
  readonly acquiredAt: number;
  /** How long places are held, in milliseconds; undefined: nobody has given one back yet. */
  readonly hold: number | undefined;
  /** A run of the same generation died while it held a place here. */
  readonly recovered: boolean;
  /** The item remembers a death of this holder until the lease is given back. */
  readonly remembered: boolean;
  /** Which servers of the profile were paused when the lease was taken: until when (epoch milliseconds), and why. */
  readonly paused: ReadonlyMap<ThrottleSide, { readonly until: number; readonly fault: Fault | undefined }>;
  /** The factor by which intervals are stretched, because places have been scarce. */
  readonly stretch: number;
  /** The window of utilization that was over when the lease was taken. */
  readonly concluded: ConcludedWindow | undefined;
}

export type ClaimResult =
  | { readonly lease: Lease }
  | {
      readonly refused: 'running' | 'full';
      readonly until: number;
      /** How long places are held at present, in milliseconds, where that was seen. */
      readonly hold?: number | undefined;
    }
  | { readonly refused: 'paused'; readonly until: number; readonly fault: Fault | undefined };

/** Takes and gives back places at a server. Each call is one conditional write when nothing is in the way. */
export interface Throttle {
  acquire(claim: Claim): Promise<ClaimResult>;
  /** `concludes`: begins the next window of utilization, if the last one is over. */
  release(lease: Lease, concludes: boolean): Promise<void>;
  /**
   * Leaves the place as a dead run does, for a run that learned of one and cannot begin: whoever takes the place, the
   * holder's next run learns of it again.
   */
  expire(lease: Lease): Promise<void>;
  /** The server failed for all mailboxes: nobody tries before `until`. */
  pause(key: ThrottleKey, side: ThrottleSide, until: number, fault: Fault): Promise<void>;
  /** One success ends the pause. Answers with the codes of the faults for which another server is still paused. */
  resume(key: ThrottleKey, side: ThrottleSide): Promise<ReadonlySet<string>>;
}

const attempts = 6;
const smoothing = 0.2;
/** Waits are rounded up to seconds, and a message takes its time to come back. */
const turnMilliseconds = 1_500;

/** The counter's rules over any place where its items stand. */
export const createThrottleOver = (items: ThrottleItems, now: () => number): Throttle => {
  /** @param died the lease of a run that died, which the claim took over */
  const leaseOf = (claim: Claim, item: ThrottleItem, died?: readonly [number, number]): { readonly lease: Lease } => {
    const acquiredAt = now();
    const remembered = item.died?.[claim.holder];
    const concluded = concludeWindow(item, claim.places, acquiredAt);
    return {
      lease: {
        key: claim.key,
        holder: claim.holder,
        expiresAt: claim.expiresAt,
        acquiredAt,
        hold: item.hold,
        recovered: [died, remembered].some((lease) => lease?.[1] === claim.generation),
        remembered: remembered !== undefined,
        paused: new Map(
          throttleSides
            .map((side) => [side, pauseAttributes[side]] as const)
            .filter(([, names]) => (item[names.failures] ?? 0) > 0)
            .map(([side, names]) => [side, { until: item[names.until] ?? 0, fault: item[names.fault] }]),
        ),
        stretch: concluded?.stretch ?? item.stretch ?? 1,
        concluded,
      },
    };
  };

  const entryOf = (claim: Claim): [number, number] => [claim.expiresAt, claim.generation];

  const tryPlainly = (claim: Claim) =>
    items.change(claim.key, {
      kind: 'take',
      holder: claim.holder,
      lease: entryOf(claim),
      available: claim.available,
      line: claim.line,
      turn: claim.hasTicket ? undefined : now(),
      side: claim.side,
      ignoresPause: claim.ignoresPause,
    });

  const takeOver = (claim: Claim, died: readonly [number, number]) =>
    items.change(claim.key, { kind: 'takeOver', holder: claim.holder, lease: entryOf(claim), expired: died[0] });

  const probeOf = ({ side, probeUntil }: Claim, pausedUntil: number): ProbedPause => ({
    side,
    pausedUntil,
    probeUntil,
  });

  const replaceExpired = (
    claim: Claim,
    item: ThrottleItem,
    holders: readonly string[],
    pausedUntil: number | undefined,
  ) =>
    items.change(claim.key, {
      kind: 'replaceExpired',
      holder: claim.holder,
      lease: entryOf(claim),
      n: item.n,
      expired: holders.map((holder) => [holder, item.leases[holder]?.[0] ?? 0] as const),
      died: rememberDead(item, holders, now()),
      probe: pausedUntil === undefined ? undefined : probeOf(claim, pausedUntil),
    });

  const probe = (claim: Claim, pausedUntil: number) =>
    items.change(claim.key, {
      kind: 'probe',
      holder: claim.holder,
      lease: entryOf(claim),
      available: claim.available,
      probe: probeOf(claim, pausedUntil),
    });

  /**
   * Of several places one always comes free soon. The only one is free for a moment between two runs of whoever has much
   * to do: newcomers leave it to the one whose turn has come until he asks again.
   */
  const keepTurn = async (claim: Claim, item: ThrottleItem, until: number): Promise<void> => {
    const previous = item[claim.line];
    if ((previous ?? 0) < until)
      await items.change(claim.key, { kind: 'ticket', line: claim.line, previous, next: until });
  };

  const takeTicket = async (claim: Claim, item: ThrottleItem): Promise<ClaimResult | undefined> => {
    // Whose turn has come stays at the head of the line: at its end it would wait as long again, and the line would grow.
    const { hold } = item;
    if (claim.hasTicket) {
      const until = nextTicket({ ...item, [claim.line]: 0 }, claim, now());
      if (claim.available === 1) await keepTurn(claim, item, until + turnMilliseconds);
      return { refused: 'full', until, hold };
    }
    const ticket = nextTicket(item, claim, now());
    const taken = await items.change(claim.key, {
      kind: 'ticket',
      line: claim.line,
      previous: item[claim.line],
      next: ticket,
    });
    return 'done' in taken ? { refused: 'full', until: ticket, hold } : undefined;
  };

  return {
    acquire: async (claim) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const plain = await tryPlainly(claim);
        if ('done' in plain) return leaseOf(claim, plain.done);
        if (plain.found === undefined) {
          await items.create(claim.key);
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
            if ('done' in taken) return leaseOf(claim, taken.done, refusal.lease);
            break;
          }
          case 'probe': {
            const taken = await probe(claim, refusal.pausedUntil);
            if ('done' in taken) return leaseOf(claim, taken.done);
            break;
          }
          case 'expired': {
            const taken = await replaceExpired(claim, item, refusal.keys, refusal.pausedUntil);
            if ('done' in taken) return leaseOf(claim, taken.done);
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
    release: async (lease, concludes) => {
      const held = Math.max(0, now() - lease.acquiredAt);
      const change = {
        kind: 'release',
        holder: lease.holder,
        expiry: lease.expiresAt,
        hold: Math.round((lease.hold ?? defaultHoldMilliseconds) * (1 - smoothing) + held * smoothing),
        held,
        now: now(),
        forgets: lease.remembered,
      } as const;
      if (concludes && lease.concluded !== undefined) {
        const concluding = await items.change(lease.key, { ...change, concluded: lease.concluded });
        if ('done' in concluding) return;
      }
      await items.change(lease.key, { ...change, concluded: undefined });
    },
    expire: async ({ key, holder, expiresAt }) => {
      await items.change(key, { kind: 'expire', holder, expiry: expiresAt, now: now() });
    },
    pause: async (key, side, until, fault) => {
      await items.change(key, { kind: 'pause', side, until, fault });
    },
    resume: async (key, side) => {
      const resumed = await items.change(key, { kind: 'resume', side });
      const item = 'done' in resumed ? resumed.done : resumed.found;
      return new Set(throttleSides.flatMap((one) => item?.[pauseAttributes[one].fault]?.code ?? []));
    },
  };
};

export const createThrottle = (document: DynamoDBDocumentClient, tableName: string, now: () => number): Throttle =>
  createThrottleOver(createThrottleTable(document, tableName), now);
