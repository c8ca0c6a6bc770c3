import type { Cycle } from '../../../shared/cycle/cycle.ts';
import type { CycleDependencies } from '../../../shared/cycle/cycle-delivery.ts';
import { type CycleStore, FenceError } from '../../../shared/cycle/cycle-store.ts';
import { type CycleMessage, cycleMessageSchema } from '../../../shared/cycle/lane-message.ts';
import { runCycle } from '../../../shared/cycle/run-cycle.ts';
import { runWatchdog } from '../../../shared/cycle/watchdog.ts';
import type { Mailbox } from '../../../shared/mailbox/mailbox.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import type { LaneQueues } from '../../../shared/platform/lane-queues.ts';
import type { Timers } from '../../../shared/platform/timers.ts';
import type { ServerProfile } from '../../../shared/server-profile/server-profile.ts';
import { createConnectionGate } from '../../../shared/throttle/connection-gate.ts';
import { createThrottleOver, type Throttle } from '../../../shared/throttle/throttle.ts';
import { defaultSettings } from '../../support/default-settings.ts';
import { createMemoryThrottle } from '../../support/memory-throttle.ts';

/** Ends a simulated process: every further call of that process fails with it, as a killed process calls nothing. */
class Killed extends Error {}

export interface Faults {
  /** Chance of a kill at each call to the world. */
  readonly kill: number;
  /** Chance that a timer is lost, or that a message is delivered twice. */
  readonly loseTimer: number;
  readonly doubleDelivery: number;
}

export interface WorldOptions {
  readonly mailboxes: number;
  readonly maxConnections: number;
  readonly faults: Faults;
  /** Virtual seconds with faults, then without. */
  readonly faultySeconds: number;
  readonly calmSeconds: number;
  readonly watchdog: boolean;
  readonly random: () => number;
}

export interface Findings {
  readonly runs: number;
  readonly overlaps: number;
  readonly overLimit: number;
  /** Mailboxes that did not complete a cycle in the last part of the calm time. */
  readonly stuck: number;
  readonly kills: number;
}

const visibilitySeconds = 150;
const functionMilliseconds = 120_000;
const intervalSeconds = 300;
const watchdogSeconds = 300;
const deduplicationMilliseconds = 300_000;
/** How far a replica of the table may be behind. */
const replicaMilliseconds = 5_000;

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

interface QueuedMessage {
  readonly body: string;
  readonly group: string;
  visibleAt: number;
  receives: number;
  done: boolean;
  /** Given out by a double delivery; does not hold its group. */
  readonly extra: boolean;
}

const serverProfile = (maxConnections: number): ServerProfile =>
  ({
    id: 'prf_1',
    version: 1,
    incoming: { host: 'imap.example.test' },
    maxConnections,
    minPollingMinutes: 0,
    throttle: { shards: 1 },
  }) as ServerProfile;

const organization = { id: 'org_1', status: 'active', settings: defaultSettings } as Organization;

/**
 * The lanes' own code in a world of virtual time, whose queue, timers and table behave as AWS documents them and whose
 * processes may be killed at every call.
 */
export const simulate = async (options: WorldOptions): Promise<Findings> => {
  const { random } = options;
  let now = 1_800_000_000_000;
  const end = now + (options.faultySeconds + options.calmSeconds) * 1000;
  const faultyUntil = now + options.faultySeconds * 1000;
  let order = 0;
  const agenda: Waiting[] = [];
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => {
      order += 1;
      agenda.push({ at: now + milliseconds, order, wake });
    });

  const cycles = new Map<string, Cycle>();
  const history = new Map<string, { readonly at: number; readonly cycle: Cycle }[]>();
  const store = (cycle: Cycle): void => {
    cycles.set(cycle.mailboxId, cycle);
    const recent = (history.get(cycle.mailboxId) ?? []).slice(-9);
    history.set(cycle.mailboxId, [...recent, { at: now, cycle }]);
  };
  /** An item as a replica has it, whichever answers. */
  const readReplica = (mailboxId: string): Cycle | undefined => {
    const asOf = now - random() * replicaMilliseconds;
    return history.get(mailboxId)?.findLast(({ at }) => at <= asOf)?.cycle;
  };
  const throttleItems = createMemoryThrottle();
  const messages: QueuedMessage[] = [];
  const deduplication = new Map<string, number>();
  const timers = new Map<string, { at: number; group: string; body: string }>();
  const running = new Map<string, number>();
  const findings = { runs: 0, overlaps: 0, overLimit: 0, kills: 0 };
  let connections = 0;

  const enqueue = (group: string, deduplicationId: string, body: string): void => {
    const key = `${group} ${deduplicationId}`;
    if ((deduplication.get(key) ?? 0) > now) return;
    deduplication.set(key, now + deduplicationMilliseconds);
    messages.push({ body, group, visibleAt: now, receives: 0, done: false, extra: false });
  };

  /** One process: its view of the world, with a chance to die before and after each effect. */
  const createProcess = () => {
    let alive = true;
    const onDeath: (() => void)[] = [];
    const mayDie = (): void => {
      if (!alive) throw new Killed();
      if (now < faultyUntil && random() < options.faults.kill) {
        alive = false;
        findings.kills += 1;
        for (const action of onDeath) action();
        throw new Killed();
      }
    };
    const call = async <Value>(effect: () => Value): Promise<Value> => {
      await sleep(random() * 40);
      mayDie();
      const value = effect();
      mayDie();
      return value;
    };
    return { call, mayDie, onDeath };
  };

  type Process = ReturnType<typeof createProcess>;

  const storeOf = ({ call }: Process): CycleStore => ({
    read: (_, mailboxId, __, consistency) =>
      call(() => structuredClone(consistency === 'eventual' ? readReplica(mailboxId) : cycles.get(mailboxId))),
    saveCursor: () => call(() => undefined),
    mark: () => call(() => undefined),
    postpone: (cycle, until) =>
      call(() => {
        const stood = cycles.get(cycle.mailboxId);
        if (stood?.generation !== cycle.generation || !stood.enabled) throw new FenceError();
        store({ ...stood, waitsUntil: until });
      }),
    forgetSynchronized: () => call(() => undefined),
    complete: (cycle, completion) =>
      call(() => {
        const stood = cycles.get(cycle.mailboxId);
        if (stood === undefined || stood.generation !== cycle.generation || !stood.enabled) throw new FenceError();
        if (!completion.evenIfWoken && stood.wakes !== cycle.wakes) return 'woken';
        const next: Cycle = {
          ...stood,
          generation: cycle.generation + 1,
          enabled: completion.next.enabled,
          due: completion.next.due,
          lastCompletedAt: completion.completedAt,
        };
        delete next.waitsUntil;
        store(next);
        return structuredClone(next);
      }),
  });

  const throttleOf = ({ call }: Process): Throttle =>
    createThrottleOver(
      {
        change: async (key, change) => structuredClone(await call(() => throttleItems.change(key, change))),
        create: async (key) => await call(() => throttleItems.create(key)),
      },
      () => now,
    );

  const queuesOf = ({ call }: Process): LaneQueues => ({
    send: (_, group, deduplicationId, body) => call(() => enqueue(group, deduplicationId, JSON.stringify(body))),
    pushBack: () => call(() => undefined),
    acknowledge: () => call(() => undefined),
    countWaiting: () => call(() => 0),
  });

  const timersOf = ({ call }: Process): Timers => ({
    arm: ({ name, at, group, body }) =>
      call(() => {
        if (timers.has(name)) return;
        if (now < faultyUntil && random() < options.faults.loseTimer) return;
        timers.set(name, { at: Math.ceil(at / 1000) * 1000, group, body: JSON.stringify(body) });
      }),
    disarm: (name) => call(() => void timers.delete(name)),
  });

  const runnerOf = (process: Process): CycleDependencies['runner'] => ({
    run: async ({ cycle }) => {
      findings.runs += 1;
      const overlapping = running.get(cycle.mailboxId) ?? 0;
      if (overlapping > 0) findings.overlaps += 1;
      running.set(cycle.mailboxId, overlapping + 1);
      connections += 1;
      if (connections > options.maxConnections) findings.overLimit += 1;
      let over = false;
      const finish = (): void => {
        if (over) return;
        over = true;
        connections -= 1;
        running.set(cycle.mailboxId, (running.get(cycle.mailboxId) ?? 1) - 1);
      };
      process.onDeath.push(finish);
      await sleep(200 + random() * 20_000);
      process.mayDie();
      finish();
      return {
        counts: { seen: 1, tracked: 0, skipped: 1, failed: 0 },
        more: random() < 0.02,
        backlog: 0,
      };
    },
  });

  const deliver = async (message: QueuedMessage): Promise<void> => {
    const process = createProcess();
    const body: CycleMessage = cycleMessageSchema.parse(JSON.parse(message.body));
    try {
      const verdict = await runCycle(
        {
          store: storeOf(process),
          gate: createConnectionGate(throttleOf(process), {}, () => now),
          timers: timersOf(process),
          queues: queuesOf(process),
          loader: {
            organization: async () => organization,
            context: async (_, mailboxId) => ({
              mailbox: {
                id: mailboxId,
                version: 1,
                workloads: { incoming: { fault: null }, outgoing: { fault: null } },
              } as unknown as Mailbox,
              serverProfile: serverProfile(options.maxConnections),
              credentialStamp: 'none',
              openCredentials: async () => ({ authentication: 'none' }),
            }),
          },
          runner: runnerOf(process),
          reporter: { report: async () => undefined, note: async () => undefined, synchronized: async () => undefined },
          now: () => new Date(now),
          random,
        },
        { message: body, receiveCount: message.receives, remainingMilliseconds: functionMilliseconds },
      );
      if (verdict.done) message.done = true;
      else message.visibleAt = now + verdict.waitSeconds * 1000;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  };

  const dispatch = (): void => {
    for (const [name, timer] of timers) {
      if (timer.at > now) continue;
      timers.delete(name);
      enqueue(timer.group, timer.body, timer.body);
    }
    const heldGroups = new Set<string>();
    for (const message of messages) {
      if (message.done) continue;
      const held = !message.extra && heldGroups.has(message.group);
      if (!message.extra) heldGroups.add(message.group);
      if (held || message.visibleAt > now) continue;
      message.receives += 1;
      message.visibleAt = now + visibilitySeconds * 1000;
      void deliver(message);
      if (now < faultyUntil && random() < options.faults.doubleDelivery)
        messages.push({ ...message, visibleAt: now + random() * 30_000, done: false, extra: true });
    }
    for (let index = messages.length - 1; index >= 0; index -= 1) if (messages[index]?.done) messages.splice(index, 1);
  };

  const watch = async (): Promise<void> => {
    const process = createProcess();
    async function* segment() {
      for (const cycle of [...cycles.values()]) yield structuredClone(cycle);
    }
    await runWatchdog({
      segments: [segment()],
      parseOperation: () => undefined,
      queues: queuesOf(process),
      backlog: async () => 0,
      movesEmail: async () => true,
      rebuildCycle: async () => undefined,
      resendOperation: async () => undefined,
      timeOutOperation: async () => undefined,
      now: () => new Date(now),
      periodSeconds: watchdogSeconds,
      visibilitySeconds,
    }).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
  };

  for (let index = 0; index < options.mailboxes; index += 1) {
    const mailboxId = `mbx_${index}`;
    store({
      v: 1,
      organizationId: 'org_1',
      mailboxId,
      workload: 'incoming',
      enabled: true,
      generation: 1,
      due: now,
      wakes: 0,
      serverProfileId: 'prf_1',
      consecutiveFailures: 0,
      idleCycles: 0,
      cursors: {},
    });
    const body = {
      v: 1,
      organizationId: 'org_1',
      mailboxId,
      workload: 'incoming',
      generation: 1,
      reason: 'enable',
    };
    enqueue(mailboxId, 'enable', JSON.stringify(body));
  }

  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  let nextWatch = now + watchdogSeconds * 1000;
  let nextDispatch = now;
  while (now < end) {
    agenda.sort((one, other) => one.at - other.at || one.order - other.order);
    const next = agenda[0];
    if (next !== undefined && next.at <= nextDispatch) {
      agenda.shift();
      now = Math.max(now, next.at);
      next.wake();
      await settle();
      continue;
    }
    now = Math.max(now, nextDispatch);
    nextDispatch = now + 1000;
    dispatch();
    if (options.watchdog && now >= nextWatch) {
      nextWatch += watchdogSeconds * 1000;
      void watch();
    }
    await settle();
  }
  const alive = end - (intervalSeconds * 1.1 + 120) * 1000;
  const stuck = [...cycles.values()].filter((cycle) => (cycle.lastCompletedAt ?? 0) < alive).length;
  return { ...findings, stuck };
};
