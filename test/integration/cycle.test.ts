import {
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { timerName } from '../../shared/cycle/arm-cycle.ts';
import { createCycleControl } from '../../shared/cycle/create-cycle-control.ts';
import type { FolderCursor } from '../../shared/cycle/cycle.ts';
import type { CycleControl } from '../../shared/cycle/cycle-control.ts';
import type { CycleDependencies } from '../../shared/cycle/cycle-delivery.ts';
import { type CycleStore, createCycleStore, FenceError } from '../../shared/cycle/cycle-store.ts';
import { type CycleMessage, cycleMessageSchema } from '../../shared/cycle/lane-message.ts';
import { runCycle } from '../../shared/cycle/run-cycle.ts';
import type { WorkloadRun, WorkloadRunner } from '../../shared/cycle/workload.ts';
import type { Mailbox } from '../../shared/mailbox/mailbox.ts';
import type { Organization } from '../../shared/organization/organization.ts';
import { createDocumentClient, createQueueClient, createSchedulerClient } from '../../shared/platform/aws-clients.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { createTimers } from '../../shared/platform/timers.ts';
import type { ServerProfile } from '../../shared/server-profile/server-profile.ts';
import { createConnectionGate } from '../../shared/throttle/connection-gate.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { TransportError } from '../../shared/transport/transport-error.ts';
import { defaultSettings } from '../support/default-settings.ts';
import { startTestCloud, type TestCloud } from '../support/local-cloud.ts';

let cloud: TestCloud;
let variables: Readonly<Record<string, string>>;
let document: DynamoDBDocumentClient;
let control: CycleControl;
let base: Omit<CycleDependencies, 'runner' | 'reporter'>;
let mailboxId = '';
let mailboxCount = 0;

const organization = { id: 'org_1', status: 'active', settings: defaultSettings } as Organization;
const serverProfile = {
  id: 'prf_1',
  version: 1,
  incoming: { host: 'imap.example.test' },
  outgoing: { host: 'smtp.example.test' },
  maxConnections: 10,
  minPollingMinutes: 0,
  throttle: { shards: 1 },
} as ServerProfile;

beforeAll(async () => {
  cloud = await startTestCloud();
  variables = (await cloud.createHubResources()).variables;
  Object.assign(process.env, variables);
  document = createDocumentClient();
  const tableName = variables['CYCLES_TABLE'] ?? '';
  const queues = createLaneQueues(createQueueClient(), { incoming: variables['INCOMING_QUEUE_URL'] ?? '' });
  const now = () => new Date();
  control = createCycleControl({ document, tableName, queues, now });
  base = {
    store: createCycleStore(document, tableName),
    gate: createConnectionGate(createThrottle(document, tableName, Date.now), {}, Date.now),
    timers: createTimers(createSchedulerClient(), {
      groupName: variables['SCHEDULE_GROUP'] ?? '',
      roleArn: variables['SCHEDULER_ROLE_ARN'] ?? '',
      deadLetterArn: variables['SCHEDULER_DEAD_LETTER_ARN'] ?? '',
      queueArns: { incoming: variables['INCOMING_QUEUE_ARN'] ?? '' },
    }),
    queues,
    loader: {
      organization: async () => organization,
      context: async (_, id) => ({
        mailbox: {
          id,
          version: 1,
          workloads: { incoming: { fault: null }, outgoing: { fault: null } },
        } as unknown as Mailbox,
        serverProfile,
        credentialStamp: 'stamp',
        openCredentials: async () => ({ authentication: 'none' }),
      }),
    },
    now,
    random: () => 0,
  };
});

afterAll(async () => {
  await cloud.stop();
});

beforeEach(() => {
  mailboxCount += 1;
  mailboxId = `mbx_${String(mailboxCount).padStart(26, '0')}`;
});

/** The messages that wait in the lane; they are taken out of the queue. */
const receive = async (): Promise<CycleMessage[]> => {
  const client = new SQSClient({});
  const QueueUrl = variables['INCOMING_QUEUE_URL'] ?? '';
  const found: CycleMessage[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return found;
    for (const { Body = '', ReceiptHandle } of Messages) {
      found.push(cycleMessageSchema.parse(JSON.parse(Body)));
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
};

const nothingFound = async () => ({
  counts: { seen: 0, tracked: 0, skipped: 0, failed: 0 },
  more: false,
  backlog: 0,
});

const reports: string[] = [];
const run = (message: CycleMessage, runner: WorkloadRunner['run'] = nothingFound, loader = base.loader) =>
  runCycle(
    {
      ...base,
      loader,
      runner: { run: runner },
      reporter: {
        report: async (_, __, report) => void reports.push(report.type),
        note: async () => undefined,
        synchronized: async (_, ids) => void reports.push(...ids),
      },
    },
    { message, receiveCount: 1, remainingMilliseconds: 60_000 },
  );

const readCycle = () => base.store.read('org_1', mailboxId, 'incoming');
const enabled = async (): Promise<CycleMessage> => {
  await control.enable('org_1', mailboxId, 'incoming', 'prf_1');
  const message = (await receive()).find((one) => one.mailboxId === mailboxId);
  if (message === undefined) throw new Error('Enabling sent nothing');
  return message;
};
const timerOf = async (generation: number) =>
  new SchedulerClient({}).send(
    new GetScheduleCommand({
      Name: timerName({ mailboxId, workload: 'incoming', generation }),
      GroupName: variables['SCHEDULE_GROUP'] ?? '',
    }),
  );

const cursorAt = (lastUid: number): FolderCursor => ({
  uidValidity: '7',
  source: 'imap.example anna',
  reading: 1,
  lastUid,
  knownUpTo: 0,
  since: null,
  processFrom: null,
  resets: 0,
});

describe('a cycle on the real tables, queues and timers', () => {
  it('runs once enabled, completes its generation and arms the next five minutes later', async () => {
    const message = await enabled();

    const verdict = await run(message);

    expect(verdict).toMatchObject({ done: true, outcome: 'completed' });
    const cycle = await readCycle();
    expect(cycle).toMatchObject({ generation: message.generation + 1, consecutiveFailures: 0 });
    expect((cycle?.due ?? 0) - (cycle?.lastCompletedAt ?? 0)).toBe(300_000);
    const timer = await timerOf(message.generation + 1);
    expect(timer).toMatchObject({
      ActionAfterCompletion: 'DELETE',
      Target: { SqsParameters: { MessageGroupId: mailboxId } },
    });
  });

  it('arms again when the run before died between completing and arming', async () => {
    const message = await enabled();
    await run(message);
    await base.timers.disarm(timerName({ mailboxId, workload: 'incoming', generation: message.generation + 1 }));

    const verdict = await run(message);

    expect(verdict).toEqual({ done: true, outcome: 'stale' });
    await expect(timerOf(message.generation + 1)).resolves.toBeDefined();
  });

  it('does nothing for a late message, a disabled workload and an unknown mailbox', async () => {
    const message = await enabled();
    let runs = 0;
    const counting = async () => {
      runs += 1;
      return nothingFound();
    };
    await control.disable('org_1', mailboxId, 'incoming');

    const disabled = await run(message, counting);
    const unknown = await run({ ...message, mailboxId: 'mbx_unknown' }, counting);

    expect([disabled, unknown]).toEqual([
      { done: true, outcome: 'stale' },
      { done: true, outcome: 'stale' },
    ]);
    expect(runs).toBe(0);
  });

  it('is fenced off when the workload is disabled while it runs: no cursor moves, nothing is armed', async () => {
    const message = await enabled();
    let refused: unknown;

    const verdict = await run(message, async (workloadRun: WorkloadRun) => {
      await control.disable('org_1', mailboxId, 'incoming');
      refused = await workloadRun.saveCursor('INBOX', undefined, cursorAt(5)).catch((error: unknown) => error);
      return nothingFound();
    });

    expect(refused).toBeInstanceOf(FenceError);
    expect(verdict).toEqual({ done: true, outcome: 'fenced' });
    expect(await readCycle()).toMatchObject({ enabled: false, due: null, cursors: {} });
  });

  it('moves a cursor forward only, unless the folder is begun anew, and only from the reading that stands', async () => {
    const message = await enabled();
    const refusals: unknown[] = [];

    await run(message, async ({ saveCursor }) => {
      const first = cursorAt(10);
      const anew = { ...first, reading: 2, lastUid: 3 };
      await saveCursor('INBOX', undefined, first);
      refusals.push(await saveCursor('INBOX', first, { ...first, lastUid: 9 }).catch((error: unknown) => error));
      await saveCursor('INBOX', first, { ...first, lastUid: 12 });
      await saveCursor('INBOX', first, anew);
      refusals.push(await saveCursor('INBOX', first, { ...first, lastUid: 20 }).catch((error: unknown) => error));
      return nothingFound();
    });

    expect(refusals).toEqual([expect.any(FenceError), expect.any(FenceError)]);
    expect((await readCycle())?.cursors['INBOX']).toMatchObject({ reading: 2, lastUid: 3 });
  });

  it('overlooks no wake that comes while it runs', async () => {
    const message = await enabled();

    await run(message, async () => {
      await control.wake('org_1', mailboxId, 'incoming');
      return nothingFound();
    });

    const cycle = await readCycle();
    expect(cycle).toMatchObject({ generation: message.generation + 1, reason: 'wake' });
    expect(await receive()).toContainEqual(expect.objectContaining({ generation: message.generation + 1 }));
  });

  it('answers a synchronize operation only by a run that began after it', async () => {
    const message = await enabled();
    reports.length = 0;
    await run(message, async () => {
      await control.synchronize('org_1', mailboxId, ['incoming'], 'opn_1');
      return nothingFound();
    });
    const reportedByRunInFlight = [...reports];
    const messages = await receive();
    const next = messages.find(({ generation }) => generation === message.generation + 1);
    if (next === undefined) throw new Error('No further run was started');

    await run(next);

    expect(reportedByRunInFlight).toEqual([]);
    expect(reports).toEqual(['opn_1']);
    expect(await readCycle()).not.toHaveProperty('synchronizations');
  });

  it.each([
    ['disabled', { enabled: false }],
    ['at the generation before', { generation: 0 }],
    ['without anything due', { due: null }],
  ])('runs by its timer although a replica has it %s', async (_, behind) => {
    const message = await enabled();
    const store: CycleStore = {
      ...base.store,
      read: async (organizationId, mailbox, workload, consistency) => {
        const cycle = await base.store.read(organizationId, mailbox, workload);
        return consistency === 'eventual' && cycle !== undefined ? { ...cycle, ...behind } : cycle;
      },
    };
    const reporter = {
      report: async () => undefined,
      note: async () => undefined,
      synchronized: async () => undefined,
    };

    const verdict = await runCycle(
      { ...base, store, runner: { run: nothingFound }, reporter },
      { message: { ...message, reason: 'timer' }, receiveCount: 1, remainingMilliseconds: 60_000 },
    );

    expect(verdict).toMatchObject({ done: true, outcome: 'completed' });
  });

  /** Has reads of one kind find another context than stands in the table: fresh ones, or those of a replica. */
  const changedFor = (
    kind: 'fresh' | 'replica',
    change: (known: NonNullable<Awaited<ReturnType<typeof base.loader.context>>>) => typeof known,
  ): typeof base.loader => ({
    ...base.loader,
    context: async (of, id, fresh) => {
      const known = await base.loader.context(of, id, fresh);
      return known === undefined || fresh !== (kind === 'fresh') ? known : change(known);
    },
  });

  it('runs although a replica has its profile turned off', async () => {
    const message = await enabled();
    const behind = changedFor('replica', (known) => ({
      ...known,
      serverProfile: { ...serverProfile, status: 'inactive' },
    }));

    const verdict = await run(message, nothingFound, behind);

    expect(verdict).toMatchObject({ done: true, outcome: 'completed' });
    expect(await readCycle()).toMatchObject({ enabled: true });
  });

  it('is given back without a strike when the refused login was one that a replica had from before', async () => {
    const message = await enabled();
    const behind = changedFor('fresh', (known) => ({ ...known, mailbox: { ...known.mailbox, version: 2 } }));
    const refused = () =>
      Promise.reject(new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox' }));

    const verdict = await run(message, refused, behind);

    expect(verdict).toEqual({ done: false, waitSeconds: 1 });
    expect((await readCycle())?.consecutiveFailures).toBe(0);
    // Its place is free again.
    expect(await run(message)).toMatchObject({ done: true, outcome: 'completed' });
  });

  it('gives its place back when something else than its server fails: the next delivery runs at once, as ever', async () => {
    const message = await enabled();
    const careful: unknown[] = [];
    const failing = run(message, async () => {
      throw new Error('the table is away');
    });
    await expect(failing).rejects.toThrow('the table is away');

    const verdict = await run(message, async (work) => {
      careful.push(work.careful);
      return nothingFound();
    });

    expect(verdict).toMatchObject({ done: true, outcome: 'completed' });
    expect(careful).toEqual([undefined]);
  });

  it('keeps its place until its function is certainly over, and ends its work before that', async () => {
    const message = await enabled();
    let placeUntil = 0;
    let workUntil = 0;
    const gate = {
      enter: (request: Parameters<typeof base.gate.enter>[0]) => {
        placeUntil = request.expiresAt;
        return base.gate.enter(request);
      },
    };
    const runner: WorkloadRunner = {
      run: async ({ deadline }) => {
        workUntil = deadline;
        return nothingFound();
      },
    };
    const reporter = {
      report: async () => undefined,
      note: async () => undefined,
      synchronized: async () => undefined,
    };
    const begins = Date.now();

    await runCycle({ ...base, gate, runner, reporter }, { message, receiveCount: 1, remainingMilliseconds: 60_000 });

    // Lambda takes a moment to stop a function, and two clocks may be 5 s off each.
    expect(placeUntil).toBeGreaterThan(begins + 60_000 + 10_000);
    expect(workUntil).toBeLessThan(begins + 60_000);
  });

  it('comes back after a fault of the server, and tells of it', async () => {
    const message = await enabled();
    reports.length = 0;

    const verdict = await run(message, () =>
      Promise.reject(new TransportError('serverError', { class: 'transient', level: 'mailbox' })),
    );

    expect(verdict).toMatchObject({ done: true, outcome: 'failed' });
    expect(await readCycle()).toMatchObject({ consecutiveFailures: 1, reason: 'retry' });
    expect(reports).toEqual(['retrying']);
  });

  it('gives its message back while another run holds the mailbox', async () => {
    const message = await enabled();
    let verdictOfSecond: unknown;

    await run(message, async () => {
      verdictOfSecond = await run(message);
      return nothingFound();
    });

    expect(verdictOfSecond).toMatchObject({ done: false });
  });

  it('waits by a timer when its turn is long in coming, and then goes before newcomers', async () => {
    const message = await enabled();
    const turn = Date.now() + 500_000;
    const asked: boolean[] = [];
    const deps: CycleDependencies = {
      ...base,
      gate: {
        enter: async (request) => {
          asked.push(request.hasTicket);
          return { refused: 'full', until: turn };
        },
      },
      runner: { run: nothingFound },
      reporter: { report: async () => undefined, note: async () => undefined, synchronized: async () => undefined },
    };
    const deliver = (body: CycleMessage) =>
      runCycle(deps, { message: body, receiveCount: 1, remainingMilliseconds: 60_000 });

    const first = await deliver(message);
    const meanwhile = await deliver({ ...message, reason: 'watchdog' });
    const timers = await new SchedulerClient({}).send(
      new ListSchedulesCommand({ GroupName: variables['SCHEDULE_GROUP'] ?? '', NamePrefix: mailboxId }),
    );

    expect([first, meanwhile]).toEqual(Array(2).fill({ done: true, outcome: 'waiting' }));
    expect(asked).toEqual([false]);
    expect(await readCycle()).toMatchObject({ generation: message.generation, waitsUntil: turn });
    expect(timers.Schedules).toHaveLength(1);
    const armed = await new SchedulerClient({}).send(
      new GetScheduleCommand({
        Name: timers.Schedules?.[0]?.Name ?? '',
        GroupName: variables['SCHEDULE_GROUP'] ?? '',
      }),
    );
    const turnMessage = cycleMessageSchema.parse(JSON.parse(armed.Target?.Input ?? ''));
    await runCycle(
      { ...deps, now: () => new Date(turn) },
      { message: turnMessage, receiveCount: 1, remainingMilliseconds: 60_000 },
    );
    expect(asked).toEqual([false, true]);
  });

  it('comes to its second turn, too, when that is less than five minutes after the first', async () => {
    const message = await enabled();
    const scheduler = new SchedulerClient({});
    const GroupName = variables['SCHEDULE_GROUP'] ?? '';
    let turn = Date.now();
    const deps: CycleDependencies = {
      ...base,
      now: () => new Date(turn),
      gate: { enter: async () => ({ refused: 'full', until: turn + 200_000 }) },
      runner: { run: nothingFound },
      reporter: { report: async () => undefined, note: async () => undefined, synchronized: async () => undefined },
    };
    /** Has the message wait, and sends what its timer is to send, as Scheduler does: without a deduplication id. */
    const waitForTurn = async (body: CycleMessage): Promise<CycleMessage[]> => {
      await runCycle(deps, { message: body, receiveCount: 1, remainingMilliseconds: 60_000 });
      const timers = await scheduler.send(new ListSchedulesCommand({ GroupName, NamePrefix: mailboxId }));
      const Name = timers.Schedules?.[0]?.Name ?? '';
      const { Target } = await scheduler.send(new GetScheduleCommand({ Name, GroupName }));
      await scheduler.send(new DeleteScheduleCommand({ Name, GroupName }));
      await new SQSClient({}).send(
        new SendMessageCommand({
          QueueUrl: variables['INCOMING_QUEUE_URL'] ?? '',
          MessageGroupId: Target?.SqsParameters?.MessageGroupId,
          MessageBody: Target?.Input,
        }),
      );
      turn += 200_000;
      return (await receive()).filter((one) => one.mailboxId === mailboxId);
    };

    const first = await waitForTurn(message);
    const second = await waitForTurn(first[0] ?? message);

    expect([first, second]).toMatchObject([[{ reason: 'retry' }], [{ reason: 'retry' }]]);
  });

  it('goes item by item after a run died, and sets aside what three runs died on', async () => {
    const message = await enabled();
    const die = (): never => {
      throw new Error('killed');
    };
    const answers: (string | undefined)[] = [];
    let now = Date.now();
    // A killed process releases nothing, so its lease stands until it expires.
    const deps = {
      ...base,
      now: () => new Date(now),
      gate: {
        enter: async (request: Parameters<typeof base.gate.enter>[0]) => {
          const gate = createConnectionGate(
            createThrottle(document, variables['CYCLES_TABLE'] ?? '', () => now),
            {},
            () => now,
          );
          const answer = await gate.enter(request);
          return 'refused' in answer ? answer : { ...answer, leave: async () => undefined };
        },
      },
      reporter: { report: async () => undefined, note: async () => undefined, synchronized: async () => undefined },
    };
    for (let death = 1; death <= 4; death += 1) {
      const runner: WorkloadRunner = {
        run: async ({ careful }) => {
          answers.push(await careful?.begin('INBOX/1/42'));
          if (answers.at(-1) === 'setAside') return nothingFound();
          return die();
        },
      };
      await runCycle({ ...deps, runner }, { message, receiveCount: death, remainingMilliseconds: 60_000 }).catch(
        () => undefined,
      );
      now += 120_000;
    }

    expect(answers).toEqual([undefined, 'process', 'process', 'setAside']);
  });
});
