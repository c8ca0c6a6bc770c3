import type { Cycle } from '../../../shared/cycle/cycle.ts';
import type { CycleDependencies } from '../../../shared/cycle/cycle-delivery.ts';
import type { CycleMessage } from '../../../shared/cycle/lane-message.ts';
import { runCycle } from '../../../shared/cycle/run-cycle.ts';
import { runWatchdog } from '../../../shared/cycle/watchdog.ts';
import type { WorkloadRunner } from '../../../shared/cycle/workload.ts';
import type { Mailbox } from '../../../shared/mailbox/mailbox.ts';
import type { LaneQueues } from '../../../shared/platform/lane-queues.ts';
import type { Timers } from '../../../shared/platform/timers.ts';
import { type ConnectionGate, createConnectionGate } from '../../../shared/throttle/connection-gate.ts';
import { createThrottleOver } from '../../../shared/throttle/throttle.ts';
import { TransportError } from '../../../shared/transport/transport-error.ts';
import { createMemoryThrottle } from '../../support/memory-throttle.ts';
import { Agenda } from './agenda.ts';
import { CyclesModel, numberOf, workloads } from './cycles-model.ts';
import type { Fleet } from './fleet.ts';
import { LaneModel } from './lane-model.ts';
import { createRandom } from './random.ts';
import { ServersModel } from './servers-model.ts';
import { Durations } from './statistics.ts';
import {
  createUsage,
  itemBytes,
  perSend,
  perSkippedMessage,
  perTrackedEmail,
  readUnits,
  throttleBytes,
  type Usage,
  writeUnits,
} from './usage.ts';

export interface DayOptions {
  readonly fleet: Fleet;
  /** Of the day. */
  readonly fromHour: number;
  readonly hours: number;
  /** Not counted: until the mailboxes, all enabled at once, have spread out. */
  readonly warmUpMinutes: number;
  readonly concurrency: Readonly<Record<Cycle['workload'], number>>;
  readonly mailsPerDay: number;
  readonly trackedShare: number;
  readonly sendsPerDay: number;
  readonly outage: { readonly server: number; readonly fromHour: number; readonly hours: number };
  readonly onProgress: (hour: number) => void;
}

export interface Lateness {
  /** From due to the run's beginning, the Scheduler's own delay included. */
  readonly whole: Durations;
  /** Without that delay: what queue, function and connections add. */
  readonly own: Durations;
}

export interface Day {
  readonly events: number;
  readonly seconds: number;
  readonly usage: Usage;
  readonly lateness: Readonly<Record<Cycle['workload'], Lateness>>;
  readonly lanes: Readonly<Record<Cycle['workload'], LaneModel>>;
  readonly servers: ServersModel;
  /** Seconds from the server's return to the first good cycle of each of its mailboxes. */
  readonly recovery: Durations;
  /** Own lateness of the incoming lane for each server. */
  readonly ownByServer: readonly Durations[];
  readonly cycles: number;
  readonly mails: number;
  readonly sends: number;
  readonly tickets: number;
  readonly resent: number;
  readonly longestScanMilliseconds: number;
  readonly simulatedSeconds: number;
}

const hourMilliseconds = 3_600_000;
const watchdogSeconds = 300;
const visibilitySeconds = 150;
const functionMilliseconds = 120_000;
/** EventBridge Scheduler promises the minute, not the second. */
const schedulerDelayMilliseconds = 60_000;
/** From a message in the queue to the function's first line, warm. */
const dispatchMilliseconds = 50;
const streamMilliseconds = 1_500;
/** So long after an outage its server's mailboxes count as any others again. */
const settledMilliseconds = 1_800_000;
/** How much of a day's mail comes in each hour, as multiples of the mean. */
const rhythm = [
  0.2, 0.15, 0.1, 0.1, 0.15, 0.3, 0.6, 1.1, 1.8, 2.2, 2.2, 2, 1.6, 1.8, 2, 1.9, 1.7, 1.3, 0.9, 0.7, 0.5, 0.4, 0.3, 0.25,
];

const eventKinds = { timer: 0, visible: 1, start: 2, resume: 3, send: 4, repeat: 5, watchdog: 6, turn: 7 } as const;

/** A day of many mailboxes on a virtual clock: the product's own cycles, throttle, schedule and watchdog. */
export const simulateDay = async (options: DayOptions): Promise<Day> => {
  const { fleet } = options;
  const began = performance.now();
  const random = createRandom(42);
  const agenda = new Agenda();
  const midnight = 1_800_000_000_000 - (1_800_000_000_000 % 86_400_000);
  const start = midnight + options.fromHour * hourMilliseconds;
  let now = start;
  const countFrom = start + options.warmUpMinutes * 60_000;
  const end = start + options.hours * hourMilliseconds;
  const clock = (): number => now;
  const usage = createUsage(countFrom, end);
  const cycles = new CyclesModel(fleet, usage, clock);
  const outageFrom = midnight + options.outage.fromHour * hourMilliseconds;
  const servers = new ServersModel(
    fleet,
    { server: options.outage.server, from: outageFrom, until: outageFrom + options.outage.hours * hourMilliseconds },
    clock,
  );
  const totals = { events: 0, cycles: 0, mails: 0, sends: 0, tickets: 0, resent: 0, longestScan: 0 };
  const lateness = {
    incoming: { whole: new Durations(), own: new Durations() },
    outgoing: { whole: new Durations(), own: new Durations() },
  };
  const recovery = new Durations();
  const ownByServer = fleet.profiles.map(() => new Durations());
  const recovered = new Uint8Array(fleet.mailboxIds.length);
  const outbox = new Uint16Array(fleet.mailboxIds.length);
  const copies = new Uint16Array(fleet.mailboxIds.length);
  const lastLook = new Float64Array(fleet.mailboxIds.length).fill(start);
  const timerDelay = new Float32Array(fleet.mailboxIds.length * 2);
  const rhythmMean = rhythm.reduce((sum, weight) => sum + weight, 0) / rhythm.length;
  const activity = (at: number): number => (rhythm[Math.floor(at / hourMilliseconds) % 24] ?? 1) / rhythmMean;

  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
  };

  const sleepers: (() => void)[] = [];
  const freeSleepers: number[] = [];
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const sleeper = freeSleepers.pop() ?? sleepers.length;
      sleepers[sleeper] = resolve;
      agenda.add(now + milliseconds, eventKinds.resume, sleeper);
    });

  const counters = createMemoryThrottle();
  const gate: ConnectionGate = createConnectionGate(
    createThrottleOver(
      {
        create: counters.create,
        change: async (key, change) => {
          const answer = await counters.change(key, change);
          const item = 'done' in answer ? answer.done : answer.found;
          if (change.kind === 'ticket') totals.tickets += 1;
          if (item === undefined) return answer;
          const units = writeUnits(throttleBytes(item.n));
          usage.cyclesWrites.add(now, units);
          usage.counterWrites.add(item, now, units);
          return answer;
        },
      },
      clock,
    ),
    {},
    clock,
  );

  const recentSends = [new Set<string>(), new Set<string>()];
  const queues: LaneQueues = {
    send: async (lane, group, deduplicationId, body) => {
      usage.queueSends.add(now);
      const key = `${lane}/${deduplicationId}`;
      if (recentSends.some((sends) => sends.has(key))) return;
      recentSends[0]?.add(key);
      const workload = lane as Cycle['workload'];
      lanes[workload].enqueue(cycles.numberOf(group), body as CycleMessage);
    },
    pushBack: async () => undefined,
    acknowledge: async () => undefined,
    countWaiting: async (lane) => lanes[lane as Cycle['workload']].waiting,
  };

  const armedGenerations = new Int32Array(fleet.mailboxIds.length * 2);
  const timers: Timers = {
    arm: async ({ at, lane, group, body }) => {
      usage.timersCreated.add(now);
      const slot = cycles.numberOf(group) * 2 + (lane === 'incoming' ? 0 : 1);
      const { generation, reason } = body as CycleMessage;
      const isTurn = reason === 'retry';
      if (!isTurn && armedGenerations[slot] === generation) return;
      if (!isTurn) armedGenerations[slot] = generation;
      const delay = random.uniform() * schedulerDelayMilliseconds;
      if (!isTurn) timerDelay[slot] = delay;
      agenda.add(Math.ceil(at / 1000) * 1000 + delay, isTurn ? eventKinds.turn : eventKinds.timer, slot, generation);
    },
    // Only incoming cycles that a person started early leave timers behind, and here nobody does.
    disarm: async () => usage.timersDeleted.add(now),
  };

  /** Its lateness tells of the outage; that is what `recovery` is for. */
  const isRecovering = (server: number): boolean =>
    server === servers.down.server && now >= servers.down.from && now < servers.down.until + settledMilliseconds;

  const noteStart = (cycle: Cycle, mailbox: number): void => {
    if (now < countFrom || cycle.due === null || isRecovering(fleet.serverOf[mailbox] ?? 0)) return;
    const late = Math.max(0, now - cycle.due);
    const delay = cycle.workload === 'incoming' ? (timerDelay[mailbox * 2] ?? 0) : 0;
    lateness[cycle.workload].whole.add(late);
    const own = Math.max(0, late - delay);
    lateness[cycle.workload].own.add(own);
    if (cycle.workload === 'incoming') ownByServer[fleet.serverOf[mailbox] ?? 0]?.add(own);
  };

  const hang = async (server: number): Promise<never> => {
    await servers.connect(server, () => sleep(60_000));
    throw new TransportError('timedOut', { class: 'transient', level: 'profile', detail: 'The server is down' });
  };

  const noteRecovered = (mailbox: number, server: number): void => {
    const { down } = servers;
    if (server !== down.server || now < down.until || recovered[mailbox] === 1) return;
    recovered[mailbox] = 1;
    recovery.add(now - down.until);
  };

  const incoming: WorkloadRunner = {
    run: async (run) => {
      const mailbox = numberOf(run.cycle);
      const server = fleet.serverOf[mailbox] ?? 0;
      if (servers.isDown(server)) return hang(server);
      noteStart(run.cycle, mailbox);
      const since = lastLook[mailbox] ?? start;
      lastLook[mailbox] = now;
      const mails = random.poisson(((now - since) / 86_400_000) * options.mailsPerDay * activity(now));
      const tracked = Math.round(mails * options.trackedShare + random.uniform() - 0.5);
      const decided = Math.max(0, Math.min(mails, tracked));
      await servers.connect(server, () => sleep(random.lognormal(1_000, 0.5) + mails * 150));
      if (mails > 0) {
        usage.recordsWrites.add(now, decided * perTrackedEmail.writeUnits);
        usage.recordsWrites.add(now, (mails - decided) * perSkippedMessage.writeUnits);
        usage.objects.add(now, decided * perTrackedEmail.objects);
        usage.decisionWrites.add(now, mails * writeUnits(itemBytes.decision));
        await run.saveCursor('INBOX', undefined, { uidValidity: '1' } as never);
      }
      if (now >= countFrom) {
        totals.cycles += 1;
        totals.mails += mails;
      }
      noteRecovered(mailbox, server);
      return {
        counts: { seen: mails, tracked: decided, skipped: mails - decided, failed: 0 },
        more: false,
        backlog: 0,
      };
    },
  };

  const fileCopies = async (cycle: Cycle, mailbox: number, server: number): Promise<number | undefined> => {
    if ((copies[mailbox] ?? 0) === 0) return undefined;
    const serverProfile = fleet.profiles[server];
    if (serverProfile === undefined) throw new Error('There is no such server');
    const answer = await gate.enter({
      organizationId: cycle.organizationId,
      serverProfile,
      host: serverProfile.incoming.host,
      mailboxId: cycle.mailboxId,
      lane: 'sentCopy',
      generation: cycle.generation,
      expiresAt: now + functionMilliseconds,
      hasTicket: false,
      ignoresPause: true,
      probeUntil: now + functionMilliseconds,
    });
    if ('refused' in answer) return Math.max(answer.until, now + 15_000);
    await servers.connect(server, () => sleep(random.lognormal(800, 0.4)));
    copies[mailbox] = 0;
    await answer.leave();
    return undefined;
  };

  const outgoing: WorkloadRunner = {
    look: async (_, mailboxId) => {
      usage.recordsReads.add(now, 1);
      const mailbox = cycles.numberOf(mailboxId);
      return { due: (outbox[mailbox] ?? 0) + (copies[mailbox] ?? 0) > 0, nextDue: null };
    },
    run: async (run) => {
      const mailbox = numberOf(run.cycle);
      const server = fleet.serverOf[mailbox] ?? 0;
      if (servers.isDown(server)) return hang(server);
      const mails = Math.min(50, outbox[mailbox] ?? 0);
      if (mails > 0) {
        noteStart(run.cycle, mailbox);
        await servers.connect(server, () => sleep(random.lognormal(700, 0.4) + mails * 300));
        outbox[mailbox] = (outbox[mailbox] ?? 0) - mails;
        copies[mailbox] = (copies[mailbox] ?? 0) + mails;
        if (now >= countFrom) totals.sends += mails;
      }
      const copyDue = await fileCopies(run.cycle, mailbox, server);
      const more = (outbox[mailbox] ?? 0) > 0;
      return {
        counts: { seen: mails, tracked: mails, skipped: 0, failed: 0 },
        more,
        backlog: outbox[mailbox] ?? 0,
        nextDue: more ? now : (copyDue ?? null),
      };
    },
  };

  const contexts = fleet.profiles.map((serverProfile) => (mailboxId: string) => ({
    mailbox: {
      id: mailboxId,
      version: 1,
      workloads: { incoming: { fault: null }, outgoing: { fault: null } },
    } as unknown as Mailbox,
    serverProfile,
    credentialStamp: 'secret',
    openCredentials: async () => ({ authentication: 'none' as const }),
  }));
  const organizationUnits = readUnits(itemBytes.organization, false);
  const contextUnits = readUnits(itemBytes.mailbox, false) + readUnits(itemBytes.serverProfile, false);
  const shared: Omit<CycleDependencies, 'runner'> = {
    store: cycles.store,
    gate,
    timers,
    queues,
    loader: {
      organization: async () => {
        usage.recordsReads.add(now, organizationUnits);
        usage.organizationReads.add(now, organizationUnits);
        return fleet.organization;
      },
      context: async (_, mailboxId) => {
        usage.recordsReads.add(now, contextUnits);
        return contexts[fleet.serverOf[cycles.numberOf(mailboxId)] ?? 0]?.(mailboxId);
      },
    },
    reporter: {
      report: async () => usage.recordsWrites.add(now, 4),
      note: async () => undefined,
      synchronized: async () => undefined,
    },
    now: () => new Date(now),
    random: random.uniform,
  };
  const createLane = (workload: Cycle['workload'], runner: WorkloadRunner): LaneModel =>
    new LaneModel({
      mailboxIds: fleet.mailboxIds,
      concurrency: options.concurrency[workload],
      usage,
      now: clock,
      later: (at, message) => agenda.add(at, eventKinds.visible, message, workload === 'incoming' ? 0 : 1),
      start: (batch) =>
        agenda.add(now + dispatchMilliseconds, eventKinds.start, batch, workload === 'incoming' ? 0 : 1),
      process: (_, message, receiveCount) =>
        runCycle({ ...shared, runner }, { message, receiveCount, remainingMilliseconds: functionMilliseconds }),
      fail,
    });
  const lanes = { incoming: createLane('incoming', incoming), outgoing: createLane('outgoing', outgoing) };

  const watch = (): void => {
    const began = performance.now();
    runWatchdog({
      segments: cycles.segments(4),
      parseOperation: () => undefined,
      queues,
      backlog: (lane) => queues.countWaiting(lane),
      movesEmail: async () => true,
      resendOperation: async () => undefined,
      rebuildCycle: async () => undefined,
      timeOutOperation: async () => undefined,
      now: () => new Date(now),
      periodSeconds: watchdogSeconds,
      visibilitySeconds,
    }).then(({ resent }) => {
      totals.resent += resent;
      totals.longestScan = Math.max(totals.longestScan, performance.now() - began);
    }, fail);
    recentSends.reverse();
    recentSends[0]?.clear();
  };

  const acceptSend = (): void => {
    const mailbox = Math.floor(random.uniform() * fleet.mailboxIds.length);
    outbox[mailbox] = (outbox[mailbox] ?? 0) + 1;
    usage.recordsWrites.add(now, perSend.writeUnits);
    usage.objects.add(now, perSend.objects);
    cycles.wake(queues, mailbox, 'outgoing').catch(fail);
    agenda.add(now + streamMilliseconds, eventKinds.repeat, mailbox);
    const perMillisecond = (fleet.mailboxIds.length * options.sendsPerDay * activity(now)) / 86_400_000;
    agenda.add(now + random.exponential(1 / perMillisecond), eventKinds.send, 0);
  };

  const fireTimer = (slot: number, generation: number, reason: 'timer' | 'retry'): void => {
    const workload = workloads[slot % 2] ?? 'incoming';
    const cycle = cycles.get(slot >> 1, workload);
    usage.timersFired.add(now);
    usage.queueSends.add(now);
    const { organizationId, mailboxId } = cycle;
    lanes[workload].enqueue(slot >> 1, { v: 1, organizationId, mailboxId, workload, generation, reason });
  };

  const happen = (): void => {
    const { kind, first, second } = agenda;
    const workload = workloads[second] ?? 'incoming';
    switch (kind) {
      case eventKinds.timer:
        fireTimer(first, second, 'timer');
        break;
      case eventKinds.turn:
        fireTimer(first, second, 'retry');
        break;
      case eventKinds.visible:
        lanes[workload].open(first);
        break;
      case eventKinds.start:
        lanes[workload].begin(first);
        break;
      case eventKinds.resume:
        freeSleepers.push(first);
        sleepers[first]?.();
        break;
      case eventKinds.send:
        acceptSend();
        break;
      case eventKinds.repeat:
        cycles.wake(queues, first, 'outgoing').catch(fail);
        break;
      case eventKinds.watchdog:
        watch();
        agenda.add(now + watchdogSeconds * 1000, eventKinds.watchdog, 0);
        break;
    }
  };

  for (let mailbox = 0; mailbox < fleet.mailboxIds.length; mailbox += 1) {
    const cycle = cycles.enable(mailbox, 'incoming', start + random.uniform() * 345_000);
    cycles.enable(mailbox, 'outgoing', null);
    armedGenerations[mailbox * 2] = 1;
    agenda.add(cycle.due ?? start, eventKinds.timer, mailbox * 2, 1);
  }
  agenda.add(start + 1_000, eventKinds.send, 0);
  agenda.add(start + watchdogSeconds * 1000, eventKinds.watchdog, 0);

  await runToEnd(agenda, {
    until: end,
    happen: (time) => {
      if (failure !== undefined) throw failure;
      if (Math.floor(time / hourMilliseconds) > Math.floor(now / hourMilliseconds))
        options.onProgress(Math.floor((time - midnight) / hourMilliseconds));
      now = time;
      totals.events += 1;
      happen();
    },
  });
  return {
    ...totals,
    longestScanMilliseconds: totals.longestScan,
    seconds: (performance.now() - began) / 1000,
    usage,
    lateness,
    lanes,
    servers,
    recovery,
    ownByServer,
    simulatedSeconds: (end - start) / 1000,
  };
};

/**
 * Lets events happen one after the other, each once all that the one before set going has come to rest: Node runs
 * ticks only between such rests, and without a look at the system, which would cost more than the event.
 */
const runToEnd = (
  agenda: Agenda,
  world: { readonly until: number; readonly happen: (time: number) => void },
): Promise<void> =>
  new Promise((resolve, reject) => {
    const step = (): void => {
      try {
        if (agenda.take() && agenda.time < world.until) {
          world.happen(agenda.time);
          queueMicrotask(() => process.nextTick(step));
        } else resolve();
      } catch (error) {
        reject(error);
      }
    };
    process.nextTick(step);
  });
