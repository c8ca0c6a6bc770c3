import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { type MaildropServer, type StoredMessage, startMaildropServer } from '../../support/maildrop-server.ts';
import { contextOf, deleteProcessed, loadLaneHandler, receiveLaneEvent } from '../../support/run-lane.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';

let world: IncomingWorld;
const servers: MaildropServer[] = [];

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await world?.stop();
});

const password = 'w0rks-here';
/** Has the lane run what waits; returns how much of it was for the mailbox. Timers of other tests' mailboxes go off, too. */
const deliverTo = async (mailboxId: string): Promise<number> => {
  const queueUrl = String(process.env['INCOMING_QUEUE_URL']);
  const handler = await loadLaneHandler('incoming');
  let count = 0;
  for (;;) {
    const event = await receiveLaneEvent(queueUrl);
    if (event === undefined) return count;
    await deleteProcessed(queueUrl, event, await handler(event, contextOf(60_000)));
    count += event.Records.filter(({ body }) => body.includes(mailboxId)).length;
  }
};

/** What the server does: answers to commands, by their first word, and what lies in the maildrop. */
interface Behaviour {
  refuses: Readonly<Record<string, string>>;
  password: string;
  messages: StoredMessage[];
}

const arrive = (behaviour: Behaviour, subject: string): void => {
  const headers = ordinaryHeaders({
    Subject: subject,
    To: 'anna@example.test',
    'Message-ID': `<${subject}@client.example>`,
  });
  const at = new Date(Date.now() + 60_000).toUTCString();
  const content = `Received: from client.example by mx.example.test; ${at}\r\n${buildMessage(headers, 'Hello\r\n')}`;
  behaviour.messages.push({ content, uidl: subject });
};

/** An organization on a server that does as it is told; three failures in a row disable. */
const startOrganization = async () => {
  const behaviour: Behaviour = { refuses: {}, password, messages: [] };
  const server = await startMaildropServer({
    messages: () => behaviour.messages,
    answer: (command) => {
      const [verb = '', argument] = command.split(' ');
      if (behaviour.refuses[verb] !== undefined) return `${behaviour.refuses[verb]}\r\n`;
      if (verb === 'PASS' && argument !== behaviour.password) return '-ERR [AUTH] no\r\n';
      return undefined;
    },
  });
  servers.push(server);
  const incoming = { protocol: 'pop3', host: '127.0.0.1', port: server.port, security: 'none' };
  const organization = await world.createOrganization(undefined, { kind: 'pop3Smtp', incoming });
  await organization.settings({ schedule: { retry: { attempts: 3, seconds: 60 } }, recovery: { probeSeconds: 600 } });
  return { behaviour, server, organization };
};

const addMailbox = async (organization: IncomingOrganization, name = 'anna', secret = password) => {
  const user = await organization.user({ address: `${name}@example.test`, username: name, password: secret });
  return { ...user, run: () => organization.synchronize(user.mailboxId) };
};

const incomingOf = async ({ call }: IncomingOrganization, mailboxId: string) =>
  (await call('GET', `/mailboxes/${mailboxId}`)).body.workloads.incoming;

const openAlerts = async ({ call }: IncomingOrganization): Promise<readonly Record<string, unknown>[]> =>
  (await call('GET', '/alerts?status=open')).body.data;

const subjects = async (organization: IncomingOrganization) =>
  (await organization.emails()).map(({ subject }) => subject).sort();

const logins = ({ commands }: MaildropServer): number => commands.filter((one) => one.startsWith('USER')).length;

describe('a transient fault of one mailbox', () => {
  it('is tried again as often as the settings say, then disables; a probe brings it back and ends its alert', async () => {
    const { behaviour, organization } = await startOrganization();
    const { mailboxId, run } = await addMailbox(organization);
    await run();
    behaviour.refuses = { LIST: '-ERR [SYS/TEMP] busy' };

    await run();
    await run();
    const retrying = [await incomingOf(organization, mailboxId), ...(await openAlerts(organization))];
    const last = await run();
    const disabled = [await incomingOf(organization, mailboxId), ...(await openAlerts(organization))];
    const probed = await run();
    const stillDisabled = await incomingOf(organization, mailboxId);
    behaviour.refuses = {};
    arrive(behaviour, 'meanwhile');
    await run();

    expect(retrying).toMatchObject([
      { state: 'retrying', fault: { code: 'serverError' } },
      { level: 'warning', code: 'serverError', count: 2, actions: ['retry'] },
    ]);
    expect(last).toMatchObject({ enabled: true, reason: 'probe', probing: true });
    expect(disabled).toMatchObject([
      { state: 'disabled', disabledBy: 'permanentError' },
      { level: 'error', code: 'serverError', count: 3, actions: ['testAndEnable'] },
    ]);
    expect(probed).toMatchObject({ probing: true });
    expect(stillDisabled).toMatchObject({ state: 'disabled' });
    expect(await incomingOf(organization, mailboxId)).toMatchObject({ state: 'enabled', fault: null });
    expect(await openAlerts(organization)).toEqual([]);
    expect(await subjects(organization)).toEqual(['meanwhile']);
    const log = (await organization.call('GET', `/mailboxes/${mailboxId}/log`)).body.data;
    expect(
      log.map(({ outcome, fault, disabled: off }: Record<string, unknown>) => [outcome, fault !== null, off]),
    ).toEqual([
      ['completed', false, false],
      ['failed', true, true],
      ['failed', true, true],
      ['failed', true, false],
      ['failed', true, false],
    ]);
  });

  it('leaves the other mailboxes of the profile alone', async () => {
    const { behaviour, organization } = await startOrganization();
    const anna = await addMailbox(organization);
    await anna.run();
    behaviour.refuses = { LIST: '-ERR [SYS/TEMP] busy' };
    await anna.run();
    behaviour.refuses = {};

    const ben = await addMailbox(organization, 'ben');
    const cycle = await ben.run();

    expect(cycle.consecutiveFailures).toBe(0);
    expect(await incomingOf(organization, ben.mailboxId)).toMatchObject({ state: 'enabled' });
    expect((await organization.call('GET', `/mailboxes/${ben.mailboxId}/schedule`)).body.health).toBe('ok');
  });
});

describe('a login that is refused', () => {
  it('disables at once where the credential never worked, and a corrected one is used by the next run', async () => {
    const { organization } = await startOrganization();
    const { mailboxId, run } = await addMailbox(organization, 'anna', 'wr0ng');

    await run();
    const refused = [await incomingOf(organization, mailboxId), ...(await openAlerts(organization))];
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password } });
    await run();

    expect(refused).toMatchObject([
      { state: 'disabled', disabledBy: 'permanentError', fault: { code: 'authenticationFailed' } },
      { level: 'error', code: 'authenticationFailed', whoActs: 'mailboxOwner', actions: ['testAndEnable'] },
    ]);
    expect(await incomingOf(organization, mailboxId)).toMatchObject({ state: 'enabled', fault: null });
    expect(await openAlerts(organization)).toEqual([]);
  });

  it('is asked for again where the credential has worked, and a new one is used by the next run', async () => {
    const { behaviour, organization } = await startOrganization();
    const { mailboxId, run } = await addMailbox(organization);
    await run();
    behaviour.password = 'changed-at-the-server';

    const cycle = await run();
    const refused = await incomingOf(organization, mailboxId);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: behaviour.password } });
    await run();

    expect(refused).toMatchObject({ state: 'retrying', fault: { code: 'authenticationFailed' } });
    expect((cycle.due ?? 0) - Date.now()).toBeGreaterThan(250_000);
    expect(await incomingOf(organization, mailboxId)).toMatchObject({ state: 'enabled', fault: null });
    expect(await openAlerts(organization)).toEqual([]);
  });
});

describe('a fault of the whole profile', () => {
  it('pauses the profile and disables no mailbox; one run tries it, and its success resumes all', async () => {
    const { behaviour, server, organization } = await startOrganization();
    const anna = await addMailbox(organization, 'anna');
    const ben = await addMailbox(organization, 'ben');
    await anna.run();
    await ben.run();
    behaviour.refuses = { USER: '-ERR [SYS/TEMP] down' };
    const before = logins(server);

    for (let round = 0; round < 4; round += 1) {
      await anna.run();
      await ben.run();
    }
    const tried = logins(server) - before;
    const states = [await incomingOf(organization, anna.mailboxId), await incomingOf(organization, ben.mailboxId)];
    const profileId = (await organization.call('GET', `/mailboxes/${anna.mailboxId}`)).body.serverProfileId;
    const health = (await organization.call('GET', `/server-profiles/${profileId}/health`)).body;
    const [alert, ...others] = await openAlerts(organization);
    behaviour.refuses = {};
    const answer = await organization.call('POST', `/alerts/${alert?.['id']}/act`, { action: 'retry' });
    await world.runOperations();
    await anna.run();
    await ben.run();

    expect(tried).toBe(1);
    expect(states).toMatchObject([{ state: 'enabled' }, { state: 'enabled' }]);
    expect(health).toMatchObject({ status: 'paused', fault: { code: 'serverError' } });
    expect(alert).toMatchObject({ scope: 'profile', level: 'error', code: 'serverError', actions: ['retry'] });
    expect(others).toEqual([]);
    expect(answer.status).toBe(202);
    for (const { mailboxId } of [anna, ben])
      expect(await organization.cycle(mailboxId)).toMatchObject({ reason: 'interval', consecutiveFailures: 0 });
    expect(await openAlerts(organization)).toEqual([]);
  });
});

describe('a server that asks to come back later', () => {
  it('costs the mailbox no strike, and its alert goes with the next success', async () => {
    const { behaviour, organization } = await startOrganization();
    const { mailboxId, run } = await addMailbox(organization);
    await run();
    behaviour.refuses = { PASS: '-ERR [IN-USE] locked' };

    for (let round = 0; round < 4; round += 1) await run();
    const throttled = [await incomingOf(organization, mailboxId), ...(await openAlerts(organization))];
    behaviour.refuses = {};
    await run();

    expect(throttled).toMatchObject([
      { state: 'enabled' },
      { level: 'warning', code: 'throttled', count: 4, actions: [] },
    ]);
    expect(await openAlerts(organization)).toEqual([]);
  });
});

describe('a server profile that is turned off', () => {
  it('turns its mailboxes off by their next cycle; enabled again they go on from the same place', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.mailUser(4);
    const { mailboxId } = await organization.user(mailUser);
    const { call } = organization;
    const receive = (subject: string) =>
      appendMessage(
        world.servers.environment,
        mailUser,
        buildMessage(
          ordinaryHeaders({ Subject: subject, To: mailUser.address, 'Message-ID': `<${subject}@client.example>` }),
          'Hello\r\n',
        ),
      );
    await organization.synchronize(mailboxId);
    await receive('before');
    await organization.synchronize(mailboxId);
    const { serverProfileId } = (await call('GET', `/mailboxes/${mailboxId}`)).body;

    await call('PATCH', `/server-profiles/${serverProfileId}`, { status: 'inactive' });
    await receive('meanwhile');
    const rested = await organization.synchronize(mailboxId);
    const off = await incomingOf(organization, mailboxId);
    const seen = await subjects(organization);
    const refused = await call('POST', `/mailboxes/${mailboxId}/enable`, { workloads: ['incoming'] });
    await call('PATCH', `/server-profiles/${serverProfileId}`, { status: 'active' });
    await call('POST', `/mailboxes/${mailboxId}/enable`, { workloads: ['incoming'] });
    await organization.synchronize(mailboxId);

    expect(off).toMatchObject({ state: 'disabled', disabledBy: 'profile', fault: null });
    expect(rested).toMatchObject({ enabled: false, due: null });
    expect(seen).toEqual(['before']);
    expect(refused).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    expect(await incomingOf(organization, mailboxId)).toMatchObject({ state: 'enabled', disabledBy: null });
    expect(await subjects(organization)).toEqual(['before', 'meanwhile']);
    expect(await openAlerts(organization)).toEqual([]);
  });
});

describe('while nothing may run, nothing is lost, and it goes on from the same cursors:', () => {
  const standStill = [
    {
      what: 'of an organization whose channel is the Email Router',
      queued: 1,
      waiting: 'channelIsEmailRouter',
      stop: ({ settings }: IncomingOrganization) => settings({ processing: { channel: 'emailRouter' } }),
      goOn: ({ settings }: IncomingOrganization) => settings({ processing: { channel: 'serverSideSync' } }),
    },
    {
      what: 'of a suspended organization',
      queued: 1,
      waiting: 'organizationSuspended',
      stop: ({ id }: IncomingOrganization) =>
        world.api.operator('POST', `/v1/organizations/${id}/suspend`, { body: { reason: 'unpaid' } }),
      goOn: ({ id }: IncomingOrganization) => world.api.operator('POST', `/v1/organizations/${id}/resume`),
    },
    {
      what: 'of an inactive owner',
      queued: 0,
      waiting: undefined,
      stop: ({ call }: IncomingOrganization, userId: string) =>
        call('PATCH', `/users/${userId}`, { status: 'inactive' }),
      goOn: async ({ call }: IncomingOrganization, userId: string, mailboxId: string) => {
        await call('PATCH', `/users/${userId}`, { status: 'active' });
        await call('POST', `/mailboxes/${mailboxId}/enable`, { workloads: ['incoming'] });
      },
    },
  ];

  it.each(standStill)('a mailbox $what', async ({ stop, goOn, queued, waiting }) => {
    const { behaviour, server, organization } = await startOrganization();
    const { id, mailboxId, run } = await addMailbox(organization);
    await run();
    arrive(behaviour, 'before');
    await run();
    const cursors = (await organization.cycle(mailboxId)).cursors;

    await stop(organization, id);
    const sessions = logins(server);
    arrive(behaviour, 'meanwhile');
    await world.api.services.cycles.synchronize(organization.id, mailboxId, ['incoming'], 'opn_meanwhile');
    const delivered = await deliverTo(mailboxId);
    const still = [logins(server), (await organization.cycle(mailboxId)).cursors];
    const shown = (await organization.call('GET', `/mailboxes/${mailboxId}/schedule`)).body;
    const off = (await organization.call('GET', '/mailboxes?health=off')).body.data;
    await goOn(organization, id, mailboxId);
    await run();

    expect(delivered).toBe(queued);
    expect(still).toEqual([sessions, cursors]);
    expect(shown).toMatchObject({ health: 'off' });
    expect(shown.workloads.incoming).toMatchObject({ phase: 'none', nextRunAt: null, overdue: false });
    expect(shown.workloads.incoming.waiting?.code).toBe(waiting);
    expect(off).toMatchObject([{ id: mailboxId }]);
    expect(await subjects(organization)).toEqual(['before', 'meanwhile']);
    expect(server.commands.filter((command) => /^RETR 1$/.test(command))).toHaveLength(1);
  });
});
