import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { createFault } from '../../shared/platform/fault.ts';
import { forEachParallel } from '../../shared/platform/for-each-parallel.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import type { ServerProfile } from '../../shared/server-profile/server-profile.ts';
import { createConnectionGate, type Gate, type GateRequest } from '../../shared/throttle/connection-gate.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { initialLayout } from '../../shared/throttle/throttle-layout.ts';
import { createThrottleReader } from '../../shared/throttle/throttle-reader.ts';
import { startTestCloud, type TestCloud } from '../support/local-cloud.ts';

let cloud: TestCloud;
let tableName: string;
let document: DynamoDBDocumentClient;
let profileCount = 0;

beforeAll(async () => {
  cloud = await startTestCloud();
  const { variables } = await cloud.createHubResources();
  Object.assign(process.env, variables);
  tableName = variables['CYCLES_TABLE'] ?? '';
  document = createDocumentClient();
});

afterAll(async () => {
  await cloud.stop();
});

const newProfile = (maxConnections: number): ServerProfile => {
  profileCount += 1;
  return {
    id: `prf_${profileCount}`,
    maxConnections,
    throttle: initialLayout(maxConnections),
  } as ServerProfile;
};

const request = (serverProfile: ServerProfile, mailboxId: string, changes: Partial<GateRequest> = {}): GateRequest => ({
  organizationId: 'org_1',
  serverProfile,
  host: 'imap.example.test',
  mailboxId,
  lane: 'incoming',
  generation: 1,
  expiresAt: Date.now() + 60_000,
  hasTicket: false,
  probeUntil: Date.now() + 60_000,
  ...changes,
});

const gateAt = (now: () => number = Date.now, caps: Readonly<Record<string, number>> = {}) =>
  createConnectionGate(createThrottle(document, tableName, now), caps, now);

const entered = (answer: Awaited<ReturnType<ReturnType<typeof gateAt>['enter']>>): Gate => {
  if ('refused' in answer) throw new Error(`refused: ${answer.refused}`);
  return answer;
};

/** Leaves the server that is read paused, and every place free. */
const pauseReading = async (gate: ReturnType<typeof gateAt>, profile: ServerProfile, until: number): Promise<void> => {
  const run = entered(await gate.enter(request(profile, 'mbx_1')));
  await run.pauseProfile(until, createFault('connectFailed'));
  await run.leave();
};

describe('the connection counter of a server profile', () => {
  it('never lets more in than the limit, however many ask at once, and serves them all', async () => {
    const profile = newProfile(5);
    const gate = gateAt();
    let open = 0;
    let highest = 0;
    const served = new Set<string>();

    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        for (let attempt = 1; !served.has(`mbx_${index}`); attempt += 1) {
          const answer = await gate.enter(
            request(profile, `mbx_${index}`, { lane: 'outgoing', hasTicket: attempt > 1 }),
          );
          if ('refused' in answer) {
            // As a lane does, until the instant that the answer names.
            await new Promise((resolve) => setTimeout(resolve, Math.min(100, Math.max(5, answer.until - Date.now()))));
            continue;
          }
          open += 1;
          highest = Math.max(highest, open);
          await new Promise((resolve) => setImmediate(resolve));
          open -= 1;
          served.add(`mbx_${index}`);
          await answer.leave();
        }
      }),
    );

    expect(served.size).toBe(40);
    expect(highest).toBeLessThanOrEqual(5);
    const state = await createThrottleReader({ document, tableName, now: () => new Date() }).read('org_1', profile.id);
    expect(state).toMatchObject({ openConnections: 0, paused: undefined });
  });

  it('keeps one place for sending where there are three or more', async () => {
    const profile = newProfile(3);
    const gate = gateAt();
    entered(await gate.enter(request(profile, 'mbx_1')));
    entered(await gate.enter(request(profile, 'mbx_2')));

    const third = await gate.enter(request(profile, 'mbx_3'));
    const sending = await gate.enter(request(profile, 'mbx_3', { lane: 'outgoing' }));

    expect(third).toMatchObject({ refused: 'full' });
    expect(sending).not.toHaveProperty('refused');
  });

  it('lets a mailbox run once at a time in a lane, until the lease of a dead run ends', async () => {
    const profile = newProfile(10);
    let now = Date.now();
    const gate = gateAt(() => now);
    entered(await gate.enter(request(profile, 'mbx_1', { expiresAt: now + 30_000 })));

    const second = await gate.enter(request(profile, 'mbx_1'));
    now += 30_001;
    const afterDeath = entered(await gate.enter(request(profile, 'mbx_1', { expiresAt: now + 30_000 })));

    expect(second).toMatchObject({ refused: 'running' });
    expect(afterDeath.recovered).toBe(true);
  });

  it('tells the next run of a mailbox that the one before died, even where others have taken its place since', async () => {
    const profile = newProfile(1);
    let now = Date.now();
    const gate = gateAt(() => now);
    const enter = (mailbox: string, changes: Partial<GateRequest> = {}) =>
      gate.enter(request(profile, mailbox, { hasTicket: true, expiresAt: now + 30_000, ...changes }));
    entered(await enter('mbx_dies', { generation: 7 }));
    now += 30_001;
    const other = entered(await enter('mbx_other'));
    now += 1_000;
    await other.leave();

    const next = entered(await enter('mbx_dies', { generation: 7 }));
    await next.leave();
    const afterwards = entered(await enter('mbx_dies', { generation: 7 }));
    await afterwards.leave();
    const unharmed = entered(await enter('mbx_other'));

    expect(other.recovered).toBe(false);
    expect(next.recovered).toBe(true);
    expect(afterwards.recovered).toBe(false);
    expect(unharmed.recovered).toBe(false);
  });

  it('forgets the death of a run with its generation', async () => {
    const profile = newProfile(1);
    let now = Date.now();
    const gate = gateAt(() => now);
    const enter = (mailbox: string, generation: number) =>
      gate.enter(request(profile, mailbox, { hasTicket: true, expiresAt: now + 30_000, generation }));
    entered(await enter('mbx_dies', 7));
    now += 30_001;
    await entered(await enter('mbx_other', 1)).leave();

    const next = entered(await enter('mbx_dies', 8));

    expect(next.recovered).toBe(false);
  });

  it('gives the places of killed processes back by expiry', async () => {
    const profile = newProfile(2);
    let now = Date.now();
    const gate = gateAt(() => now);
    for (const mailbox of ['mbx_1', 'mbx_2'])
      entered(await gate.enter(request(profile, mailbox, { lane: 'outgoing', expiresAt: now + 30_000 })));

    now += 30_001;
    const answers = [];
    for (const mailbox of ['mbx_3', 'mbx_4', 'mbx_5'])
      answers.push(await gate.enter(request(profile, mailbox, { lane: 'outgoing', expiresAt: now + 30_000 })));

    expect(answers.map((answer) => 'refused' in answer)).toEqual([false, false, true]);
  });

  it('gives the places of very many killed processes back, in updates as small as DynamoDB takes', async () => {
    // As it stands after its limit was raised: the counter is parted only when no lease of before can be held.
    const profile = { ...newProfile(300), throttle: initialLayout(1) };
    let now = Date.now();
    const gate = gateAt(() => now);
    const fillAndDie = (): Promise<void> =>
      forEachParallel(
        Array.from({ length: 300 }, () => createIdentifier('mbx', now)),
        2,
        async (mailboxId) => {
          entered(await gate.enter(request(profile, mailboxId, { lane: 'outgoing', expiresAt: now + 31_000 })));
        },
      );
    await fillAndDie();

    now += 31_001;
    await fillAndDie();

    const another = await gate.enter(request(profile, 'mbx_1', { lane: 'outgoing', expiresAt: now + 31_000 }));
    expect(another).toMatchObject({ refused: 'full' });
  });

  it('holds a lowered limit at once', async () => {
    const profile = newProfile(5);
    const gate = gateAt();
    for (const mailbox of ['mbx_1', 'mbx_2', 'mbx_3'])
      entered(await gate.enter(request(profile, mailbox, { lane: 'outgoing' })));

    const answer = await gate.enter(request({ ...profile, maxConnections: 3 }, 'mbx_4', { lane: 'outgoing' }));

    expect(answer).toMatchObject({ refused: 'full' });
  });

  it('lets one run at a time try a paused profile, and all once it is well', async () => {
    const profile = newProfile(5);
    let now = Date.now();
    const gate = gateAt(() => now);
    await pauseReading(gate, profile, now + 10_000);

    const paused = await gate.enter(request(profile, 'mbx_2'));
    now += 10_001;
    const probe = entered(await gate.enter(request(profile, 'mbx_2', { probeUntil: now + 10_000 })));
    const meanwhile = await gate.enter(request(profile, 'mbx_3'));
    const resumed: ReadonlySet<string>[] = [];
    await probe.resumeProfile(async (standing) => void resumed.push(standing));
    const afterwards = await gate.enter(request(profile, 'mbx_3'));

    expect(paused).toMatchObject({ refused: 'paused', fault: { code: 'connectFailed' } });
    expect(meanwhile).toMatchObject({ refused: 'paused' });
    expect(resumed).toEqual([new Set()]);
    expect(afterwards).not.toHaveProperty('refused');
  });

  it('pauses the server that sends and the one that is read each by itself', async () => {
    const profile = newProfile(5);
    const now = Date.now();
    const gate = gateAt(() => now);
    const [reading, sending] = [
      entered(await gate.enter(request(profile, 'mbx_1'))),
      entered(await gate.enter(request(profile, 'mbx_1', { lane: 'outgoing' }))),
    ];
    await reading.pauseProfile(now + 10_000, createFault('connectFailed'));
    const whileReadingPaused = entered(await gate.enter(request(profile, 'mbx_2', { lane: 'outgoing' })));
    await sending.pauseProfile(now + 10_000, createFault('tlsUntrusted'));

    const refused = [
      await gate.enter(request(profile, 'mbx_3')),
      await gate.enter(request(profile, 'mbx_3', { lane: 'outgoing' })),
    ];
    const test = entered(await gate.enter(request(profile, 'mbx_4', { lane: 'operations', ignoresPause: true })));
    const resumed: ReadonlySet<string>[] = [];
    const tell = async (standing: ReadonlySet<string>) => void resumed.push(standing);
    await test.resumeProfile(tell, 'sending');
    await whileReadingPaused.resumeProfile(tell);
    const afterwards = [
      await gate.enter(request(profile, 'mbx_5')),
      await gate.enter(request(profile, 'mbx_5', { lane: 'outgoing' })),
    ];

    expect(refused).toMatchObject([
      { refused: 'paused', fault: { code: 'connectFailed' } },
      { refused: 'paused', fault: { code: 'tlsUntrusted' } },
    ]);
    expect(resumed).toEqual([new Set(['connectFailed'])]);
    expect(afterwards.map((answer) => 'refused' in answer)).toEqual([true, false]);
  });

  it('is told to be well at last when both of its servers become so at the same moment', async () => {
    const profile = newProfile(5);
    let now = Date.now();
    const gate = gateAt(() => now);
    const enter = (lane: 'incoming' | 'outgoing') => gate.enter(request(profile, 'mbx_1', { lane }));
    for (const lane of ['incoming', 'outgoing'] as const) {
      const failed = entered(await enter(lane));
      await failed.pauseProfile(now + 10_000, createFault('connectFailed'));
      await failed.leave();
    }
    now += 10_001;
    const [reading, sending] = [entered(await enter('incoming')), entered(await enter('outgoing'))];
    const told: ReadonlySet<string>[] = [];
    const tell = async (standing: ReadonlySet<string>) => void told.push(standing);

    await reading.resumeProfile(tell);
    await sending.resumeProfile(tell);

    expect(told[0]).toEqual(new Set(['connectFailed']));
    expect(told.at(-1)).toEqual(new Set());
  });

  it('stays paused when the run dies while it tells that the server is well: the next one tells it again', async () => {
    const profile = newProfile(5);
    let now = Date.now();
    const gate = gateAt(() => now);
    await pauseReading(gate, profile, now + 10_000);
    now += 10_001;
    const dies = entered(await gate.enter(request(profile, 'mbx_2', { probeUntil: now + 10_000 })));
    const dying = dies.resumeProfile(async () => {
      throw new Error('The process is dead');
    });
    await expect(dying).rejects.toThrow('dead');
    now += 60_001;

    const told: ReadonlySet<string>[] = [];
    const next = entered(await gate.enter(request(profile, 'mbx_2')));
    await next.resumeProfile(async (standing) => void told.push(standing));

    expect(told).toEqual([new Set()]);
    expect(await gate.enter(request(profile, 'mbx_3'))).not.toHaveProperty('refused');
  });

  it('has another run try a paused server when the one that tried it died on the last place and never comes back', async () => {
    const profile = newProfile(1);
    let now = Date.now();
    const gate = gateAt(() => now);
    const enter = (mailbox: string, changes: Partial<GateRequest> = {}) =>
      gate.enter(request(profile, mailbox, { expiresAt: now + 30_000, probeUntil: now + 60_000, ...changes }));
    await pauseReading(gate, profile, now + 10_000);
    now += 10_001;
    entered(await enter('mbx_dies'));
    now += 60_001;

    const probe = entered(await enter('mbx_2'));
    const meanwhile = await enter('mbx_3');
    await probe.resumeProfile(async () => undefined);
    await probe.leave();
    const afterwards = await enter('mbx_3');

    expect(meanwhile).toMatchObject({ refused: 'paused' });
    expect(afterwards).not.toHaveProperty('refused');
  });

  it('has who would try a paused server wait in line while sending takes all places', async () => {
    const profile = newProfile(1);
    let now = Date.now();
    const gate = gateAt(() => now);
    await pauseReading(gate, profile, now + 10_000);
    now += 10_001;
    entered(await gate.enter(request(profile, 'mbx_2', { lane: 'outgoing' })));
    const reader = createThrottleReader({ document, tableName, now: () => new Date(now) });

    const refused = await gate.enter(request(profile, 'mbx_3'));

    expect(refused).toMatchObject({ refused: 'full' });
    expect((await reader.read('org_1', profile.id)).lines.q).toBeGreaterThan(now);
  });

  it('tells once more each ten minutes that its places have been too few for half an hour, and when they suffice', async () => {
    const profile = newProfile(2);
    let now = Date.now();
    const gate = gateAt(() => now);
    const runFor = async (mailboxId: string, seconds: number) => {
      const run = entered(await gate.enter(request(profile, mailboxId, { expiresAt: now + 900_000 })));
      now += seconds * 1000;
      await run.leave();
      return { crowding: run.crowding, stretch: run.stretch };
    };
    await runFor('mbx_1', 1);

    const busy = [];
    for (const mailboxId of ['mbx_1', 'mbx_2', 'mbx_3', 'mbx_4', 'mbx_5']) {
      const beside = entered(await gate.enter(request(profile, 'mbx_9', { expiresAt: now + 900_000 })));
      busy.push(await runFor(mailboxId, 600));
      await beside.leave();
    }
    now += 1_200_000;
    await runFor('mbx_1', 1);
    now += 1_200_000;
    const quiet = await runFor('mbx_1', 1);
    const afterwards = await runFor('mbx_1', 1);

    expect(busy.map(({ crowding }) => crowding?.state)).toEqual([
      undefined,
      undefined,
      undefined,
      'crowded',
      'crowded',
    ]);
    expect(busy.at(-1)?.crowding).toMatchObject({ needed: 8, stretch: 3.15 });
    expect(quiet).toEqual({ crowding: { state: 'relieved' }, stretch: 1 });
    expect(afterwards).toEqual({ crowding: undefined, stretch: 1 });
  });

  it('holds the cap of a host over all profiles of the deployment', async () => {
    const gate = gateAt(Date.now, { 'imap.example.test': 2 });
    const answers = [];
    for (const index of [1, 2, 3])
      answers.push(await gate.enter(request(newProfile(10), `mbx_cap_${index}`, { lane: 'outgoing' })));

    expect(answers.map((answer) => 'refused' in answer)).toEqual([false, false, true]);
  });

  it('takes the name of a capped host for one in capitals and in small letters, and no other word for a capped one', async () => {
    const gate = gateAt(Date.now, { 'Imap.CAPITALS.example': 1 });
    const at = (mailbox: string, host: string) => gate.enter(request(newProfile(10), mailbox, { host }));

    expect(await at('mbx_a', 'imap.capitals.example')).toHaveProperty('leave');
    expect(await at('mbx_b', 'IMAP.capitals.example')).toMatchObject({ refused: 'full' });
    expect(await at('mbx_c', 'constructor')).toHaveProperty('leave');
  });

  it('tells of a run that died also after the next one found no place at a capped host', async () => {
    const [profile, others] = [newProfile(10), newProfile(10)];
    let now = Date.now();
    const gate = gateAt(() => now, { 'capped.example.test': 1 });
    const enter = (to: ServerProfile, mailbox: string) =>
      gate.enter(
        request(to, mailbox, { host: 'capped.example.test', hasTicket: true, generation: 7, expiresAt: now + 30_000 }),
      );
    entered(await enter(profile, 'mbx_dies'));
    now += 30_001;
    const other = entered(await enter(others, 'mbx_other'));

    const refused = await enter(profile, 'mbx_dies');
    await other.leave();
    const next = entered(await enter(profile, 'mbx_dies'));

    expect(refused).toMatchObject({ refused: 'full' });
    expect(next.recovered).toBe(true);
  });
});
