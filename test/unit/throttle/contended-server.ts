import type { Cycle } from '../../../shared/cycle/cycle.ts';
import { type CycleStore, FenceError } from '../../../shared/cycle/cycle-store.ts';
import { type CycleMessage, cycleMessageSchema } from '../../../shared/cycle/lane-message.ts';
import type { WorkloadReport } from '../../../shared/cycle/plan-next.ts';
import { runCycle } from '../../../shared/cycle/run-cycle.ts';
import { sendCycle } from '../../../shared/cycle/send-cycle.ts';
import type { WorkloadOutcome, WorkloadRunner } from '../../../shared/cycle/workload.ts';
import type { Mailbox, SynchronizedWorkload } from '../../../shared/mailbox/mailbox.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import type { LaneQueues } from '../../../shared/platform/lane-queues.ts';
import type { Timers } from '../../../shared/platform/timers.ts';
import type { ServerProfile } from '../../../shared/server-profile/server-profile.ts';
import { createConnectionGate } from '../../../shared/throttle/connection-gate.ts';
import { createThrottleOver } from '../../../shared/throttle/throttle.ts';
import { defaultSettings } from '../../support/default-settings.ts';
import { createMemoryThrottle } from '../../support/memory-throttle.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

export interface Load {
  readonly mailboxes: number;
  /** From the end of a reading of a mailbox to its next one. */
  readonly readEverySeconds: number;
  /** Between two Sends of a mailbox, on the mean. */
  readonly sendEverySeconds: number;
  /** How long a connection is held, on the mean. */
  readonly readSeconds: number;
  readonly sendSeconds: number;
  /** A connection is given up after so many emails, each of which takes `sendSeconds`; absent: it takes all of them. */
  readonly emailsPerSlice?: number;
}

interface Entry {
  readonly at: number;
  readonly mailboxId: string;
  readonly lane: SynchronizedWorkload;
  /** From when the work was there to its connection. */
  readonly waitedMilliseconds: number;
  /** Connections open, this one included. */
  readonly open: number;
}

interface Queued {
  readonly body: string;
  receives: number;
}

const nameOf = ({ mailboxId, workload }: Pick<Cycle, 'mailboxId' | 'workload'>): string => `${mailboxId} ${workload}`;

const organizationId = 'org_1';
const functionMilliseconds = 120_000;
const deduplicationMilliseconds = 300_000;
const longestCallMilliseconds = 40;
/** Scheduler's precision is a minute. */
const timerLatenessMilliseconds = 60_000;
const wakeBucketMilliseconds = 2_000;

/**
 * Many mailboxes on one server that takes few connections: the lanes' own code on a virtual clock, with queues, timers
 * and tables that behave as AWS documents them. The server itself counts who is connected.
 */
export class ContendedServer {
  readonly entries: Entry[] = [];
  /** What people were told. */
  readonly reports: { readonly at: number; readonly report: WorkloadReport }[] = [];
  profile: ServerProfile;
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  readonly #load: Load;
  readonly #organization: Organization;
  readonly #counters = createMemoryThrottle();
  readonly #cycles = new Map<string, Cycle>();
  readonly #queues = new Map<string, Queued[]>();
  readonly #deduplication = new Map<string, number>();
  readonly #timers = new Set<string>();
  /** Instants at which Sends were accepted that are not handed over yet. */
  readonly #outboxes = new Map<string, number[]>();
  readonly #waitingSince = new Map<string, number>();
  #open = 0;

  constructor(clock: VirtualClock, profile: ServerProfile, load: Load, random: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#load = load;
    this.profile = profile;
    const { schedule } = defaultSettings;
    const incoming = { ...schedule.incoming, seconds: load.readEverySeconds };
    const settings = { ...defaultSettings, schedule: { ...schedule, incoming } };
    this.#organization = { id: organizationId, status: 'active', settings } as Organization;
  }

  /** All mailboxes are enabled at once, which is the worst beginning; then their Sends begin to come. */
  start(): void {
    for (let number = 0; number < this.#load.mailboxes; number += 1) {
      const mailboxId = `mbx_${number}`;
      this.#outboxes.set(mailboxId, []);
      for (const workload of ['incoming', 'outgoing'] as const) {
        const cycle: Cycle = {
          v: 1,
          organizationId,
          mailboxId,
          workload,
          enabled: true,
          generation: 1,
          due: this.#clock.now(),
          wakes: 0,
          serverProfileId: 'prf_1',
          consecutiveFailures: 0,
          idleCycles: 0,
          cursors: {},
        };
        this.#cycles.set(nameOf(cycle), cycle);
        void sendCycle(this.#lanes, cycle, 'enable', '');
      }
      void this.#acceptSends(mailboxId);
    }
  }

  /** A mailbox gets many Sends at once. */
  async burst(mailboxId: string, sends: number): Promise<void> {
    const now = this.#clock.now();
    this.#outboxes.get(mailboxId)?.push(...Array<number>(sends).fill(now));
    await this.#wake(mailboxId);
  }

  /** What is still waiting, and for how long. */
  waiting(): readonly number[] {
    const sends = [...this.#outboxes.values()].flat();
    return [...sends, ...this.#waitingSince.values()].map((since) => this.#clock.now() - since);
  }

  async #acceptSends(mailboxId: string): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#load.sendEverySeconds * 2_000 * this.#random());
      this.#outboxes.get(mailboxId)?.push(this.#clock.now());
      await this.#wake(mailboxId);
    }
  }

  async #wake(mailboxId: string): Promise<void> {
    const now = this.#clock.now();
    const key = `${mailboxId} outgoing`;
    const cycle = this.#cycles.get(key);
    if (cycle === undefined) return;
    const woken = { ...cycle, due: now, wakes: cycle.wakes + 1 };
    this.#cycles.set(key, woken);
    await sendCycle(this.#lanes, woken, 'wake', String(Math.floor(now / wakeBucketMilliseconds)));
  }

  async #call<Value>(effect: () => Value | Promise<Value>): Promise<Value> {
    await this.#clock.sleep(this.#random() * longestCallMilliseconds);
    return effect();
  }

  #enqueue(lane: SynchronizedWorkload, group: string, deduplicationId: string, body: string): void {
    const now = this.#clock.now();
    const known = `${lane} ${deduplicationId}`;
    if ((this.#deduplication.get(known) ?? 0) > now) return;
    this.#deduplication.set(known, now + deduplicationMilliseconds);
    const name = `${group} ${lane}`;
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    queue.push({ body, receives: 0 });
    if (queue.length === 1) void this.#drain(queue);
  }

  /** The messages of a group, one after the other. */
  async #drain(queue: Queued[]): Promise<void> {
    for (let [message] = queue; message !== undefined; [message] = queue) {
      await this.#clock.sleep(20 + this.#random() * 100);
      message.receives += 1;
      const verdict = await this.#deliver(cycleMessageSchema.parse(JSON.parse(message.body)), message.receives);
      if (verdict.done) queue.shift();
      else await this.#clock.sleep(verdict.waitSeconds * 1000);
    }
  }

  #deliver(message: CycleMessage, receiveCount: number) {
    const gate = createConnectionGate(
      createThrottleOver(
        {
          change: async (key, change) => structuredClone(await this.#call(() => this.#counters.change(key, change))),
          create: (key) => this.#call(() => this.#counters.create(key)),
        },
        this.#clock.now,
      ),
      {},
      this.#clock.now,
    );
    return runCycle(
      {
        store: this.#store,
        gate: {
          enter: (request) => {
            const key = `${request.mailboxId} ${request.lane}`;
            if (!this.#waitingSince.has(key)) this.#waitingSince.set(key, this.#clock.now());
            return gate.enter(request);
          },
        },
        timers: this.#timing,
        queues: this.#lanes,
        loader: {
          organization: async () => this.#organization,
          context: (_, mailboxId) =>
            this.#call(() => ({
              mailbox: {
                id: mailboxId,
                version: 1,
                workloads: { incoming: { fault: null }, outgoing: { fault: null } },
              } as unknown as Mailbox,
              serverProfile: this.profile,
              credentialStamp: 'none',
              openCredentials: async () => ({ authentication: 'none' as const }),
            })),
        },
        runner: message.workload === 'incoming' ? this.#reading : this.#sending,
        reporter: {
          report: async (_cycle, _context, report) => {
            this.reports.push({ at: this.#clock.now(), report });
          },
          note: async () => undefined,
          synchronized: async () => undefined,
        },
        now: () => new Date(this.#clock.now()),
        random: this.#random,
      },
      { message, receiveCount, remainingMilliseconds: functionMilliseconds },
    );
  }

  async #connect(mailboxId: string, lane: SynchronizedWorkload, since: number, seconds: number): Promise<void> {
    this.#open += 1;
    const at = this.#clock.now();
    this.#waitingSince.delete(`${mailboxId} ${lane}`);
    this.entries.push({ at, mailboxId, lane, waitedMilliseconds: at - since, open: this.#open });
    await this.#clock.sleep(seconds * 1000 * (0.5 + this.#random()));
    this.#open -= 1;
  }

  readonly #reading: WorkloadRunner = {
    run: async ({ mailbox: { id } }): Promise<WorkloadOutcome> => {
      const since = this.#waitingSince.get(`${id} incoming`) ?? this.#clock.now();
      await this.#connect(id, 'incoming', since, this.#load.readSeconds);
      return { counts: { seen: 1, tracked: 1, skipped: 0, failed: 0 }, more: false, backlog: 0 };
    },
  };

  readonly #sending: WorkloadRunner = {
    look: (_, mailboxId) =>
      this.#call(() => {
        const due = (this.#outboxes.get(mailboxId)?.length ?? 0) > 0;
        return { due, nextDue: due ? this.#clock.now() : null };
      }),
    run: async ({ mailbox: { id } }): Promise<WorkloadOutcome> => {
      const outbox = this.#outboxes.get(id) ?? [];
      const { sendSeconds, emailsPerSlice } = this.#load;
      const sent = outbox.splice(0, emailsPerSlice ?? outbox.length);
      const seconds = emailsPerSlice === undefined ? sendSeconds : sendSeconds * sent.length;
      await this.#connect(id, 'outgoing', sent[0] ?? this.#clock.now(), seconds);
      return {
        counts: { seen: sent.length, tracked: sent.length, skipped: 0, failed: 0 },
        more: outbox.length > 0,
        backlog: outbox.length,
        nextDue: outbox.length > 0 ? this.#clock.now() : null,
      };
    },
  };

  readonly #lanes: LaneQueues = {
    send: (lane, group, deduplicationId, body) =>
      this.#call(() => this.#enqueue(lane as SynchronizedWorkload, group, deduplicationId, JSON.stringify(body))),
    pushBack: async () => undefined,
    acknowledge: async () => undefined,
    countWaiting: async () => 0,
  };

  readonly #timing: Timers = {
    arm: async ({ name, at, lane, group, body }) => {
      const isNew = await this.#call(() => !this.#timers.has(name));
      if (!isNew) return;
      this.#timers.add(name);
      const lateness = this.#random() * timerLatenessMilliseconds;
      void this.#clock.sleep(at - this.#clock.now() + lateness).then(() => {
        if (!this.#timers.delete(name)) return;
        const text = JSON.stringify(body);
        this.#enqueue(lane as SynchronizedWorkload, group, text, text);
      });
    },
    disarm: (name) => this.#call(() => void this.#timers.delete(name)),
  };

  readonly #store: CycleStore = {
    read: (_, mailboxId, workload) => this.#call(() => this.#cycles.get(nameOf({ mailboxId, workload }))),
    saveCursor: async () => undefined,
    mark: async () => undefined,
    forgetSynchronized: async () => undefined,
    postpone: (cycle, until) =>
      this.#call(() => this.#change(cycle, (stood) => ({ ...stood, waitsUntil: until }))).then(() => undefined),
    complete: (cycle, completion) =>
      this.#call(() => {
        const isWoken = this.#cycles.get(nameOf(cycle))?.wakes !== cycle.wakes;
        if (isWoken && !completion.evenIfWoken) return 'woken';
        const { due } = completion.next;
        return this.#change(cycle, ({ waitsUntil: _, ...stood }) => ({
          ...stood,
          generation: stood.generation + 1,
          due,
        }));
      }),
  };

  /** Under the fence. */
  #change(cycle: Cycle, next: (stood: Cycle) => Cycle): Cycle {
    const stood = this.#cycles.get(nameOf(cycle));
    if (stood?.generation !== cycle.generation) throw new FenceError();
    const changed = next(stood);
    this.#cycles.set(nameOf(cycle), changed);
    return changed;
  }
}
