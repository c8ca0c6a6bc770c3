import { readFile } from 'node:fs/promises';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { waitForHeldConnections } from '../../support/held-connections.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser, listMessages } from '../../support/mailbox-client.ts';
import { startSilentServer } from '../../support/silent-server.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from './mailbox-world.ts';

// So many that only the test of the limit comes near it: Dovecot counts a connection for a moment after its end.
const maxUserConnections = 5;
let world: MailboxWorld;
let organization: TestOrganization;
let call: ApiCall;
let anna: MailUser;

beforeAll(async () => {
  world = await startMailboxWorld({ maxUserConnections });
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('admin');
  anna = findMailUser(world.mail, 'anna@contoso.example');
});

const mailboxOn = async (
  profile: Readonly<Record<string, unknown>> = {},
  credentials?: Readonly<Record<string, unknown>>,
) => {
  const serverProfileId = await createProfile(organization, world.mail, profile);
  const setup = { externalId: 'u-17', mailUser: anna, serverProfileId, ...(credentials && { credentials }) };
  return { ...(await createUserMailbox(organization, setup)), serverProfileId };
};

const workloadsOf = async (mailboxId: string) => (await call('GET', `/mailboxes/${mailboxId}`)).body.workloads;
const namesOf = (steps: readonly { readonly name: string; readonly status: string }[], status: string) =>
  steps.filter((step) => step.status === status).map(({ name }) => name);

describe('test-and-enable', () => {
  it('takes each workload from notTested over testing to enabled, with every step', async () => {
    const { mailboxId } = await mailboxOn();
    expect(await workloadsOf(mailboxId)).toMatchObject({
      incoming: { state: 'notTested', lastTest: null },
      outgoing: { state: 'notTested', lastTest: null },
      act: { state: 'off', method: 'none' },
    });

    const started = await call('POST', `/mailboxes/${mailboxId}/test-and-enable`, {});
    const during = await workloadsOf(mailboxId);
    const operation = await world.finish(call, started.body.id);

    expect(started).toMatchObject({ status: 202, body: { kind: 'testAndEnable', status: 'queued' } });
    expect(started.headers['location']).toBe(`/v1/operations/${started.body.id}`);
    expect(during).toMatchObject({ incoming: { state: 'testing' }, outgoing: { state: 'testing' } });
    expect(operation.status).toBe('succeeded');
    const { incoming, outgoing } = operation.result.workloads;
    expect(incoming).toMatchObject({ status: 'success', enabled: true });
    expect(outgoing).toMatchObject({ status: 'success', enabled: true });
    expect(namesOf(incoming.steps, 'success')).toEqual([
      'resolve',
      'connect',
      'tls',
      'authenticate',
      'list',
      'receive',
    ]);
    expect(namesOf(outgoing.steps, 'success')).toEqual(['resolve', 'connect', 'tls', 'authenticate', 'send']);
    for (const step of [...incoming.steps, ...outgoing.steps]) {
      expect(step.seconds).toBeGreaterThanOrEqual(0);
      expect(step.detail).not.toBe('');
    }
    expect(await workloadsOf(mailboxId)).toMatchObject({
      incoming: { state: 'enabled', lastTest: { status: 'success', at: expect.any(String) } },
      outgoing: { state: 'enabled', lastTest: { status: 'success', at: expect.any(String) } },
    });
    for (const workload of ['incoming', 'outgoing'])
      expect(await world.api.cycleItem(`${organization.id}#${mailboxId}`, workload)).toMatchObject({ enabled: true });
  });

  it('sends its test message from the mailbox to itself, and none when told not to', async () => {
    const { mailboxId } = await mailboxOn();
    const before = (await listMessages(world.mail, anna)).length;

    const silent = await testMailbox(world, organization, mailboxId, { sendTestMessage: false });
    const after = (await listMessages(world.mail, anna)).length;
    await testMailbox(world, organization, mailboxId);

    expect(after).toBe(before);
    expect((await listMessages(world.mail, anna)).length).toBe(before + 1);
    const { incoming, outgoing } = silent.result.workloads;
    expect(namesOf(incoming.steps, 'skipped')).toEqual(['receive']);
    expect(namesOf(outgoing.steps, 'skipped')).toEqual(['send']);
  });

  it('tests one workload alone and leaves the other as it is', async () => {
    const { mailboxId } = await mailboxOn();

    const { result } = await testMailbox(world, organization, mailboxId, { workloads: ['incoming'] });

    expect(Object.keys(result.workloads)).toEqual(['incoming']);
    expect(await workloadsOf(mailboxId)).toMatchObject({
      incoming: { state: 'enabled' },
      outgoing: { state: 'notTested' },
    });
  });

  it('only tests when told not to enable; enabling then needs no other test', async () => {
    const { mailboxId } = await mailboxOn();

    const { result } = await testMailbox(world, organization, mailboxId, { enable: false });
    const tested = await workloadsOf(mailboxId);
    const enabled = await call('POST', `/mailboxes/${mailboxId}/enable`, { workloads: ['incoming'] });

    expect(result.workloads.incoming).toMatchObject({ status: 'success', enabled: false });
    expect(tested.incoming).toMatchObject({ state: 'disabled', disabledBy: 'admin' });
    expect(enabled.body.workloads).toMatchObject({ incoming: { state: 'enabled' }, outgoing: { state: 'disabled' } });
  });

  it('speaks STARTTLS where the profile says so', async () => {
    const { mailboxId } = await mailboxOn({
      incoming: { protocol: 'imap', ...world.mail.imapStartTls },
      outgoing: { protocol: 'smtp', ...world.mail.submissionStartTls },
    });

    const { result } = await testMailbox(world, organization, mailboxId);

    expect(result.workloads).toMatchObject({ incoming: { status: 'success' }, outgoing: { status: 'success' } });
  });

  it('uses the login of the profile where the profile has one', async () => {
    const { mailboxId } = await mailboxOn(
      {
        credentials: {
          source: 'profile',
          authentication: 'password',
          username: anna.username,
          password: anna.password,
        },
      },
      {},
    );

    const { result } = await testMailbox(world, organization, mailboxId);

    expect(result.workloads).toMatchObject({ incoming: { status: 'success' }, outgoing: { status: 'success' } });
  });
});

describe('a test that fails tells where and why', () => {
  /** The failed step of each workload, its code, and how long all steps took. */
  const failuresOf = async (
    profile: Readonly<Record<string, unknown>>,
    credentials?: Readonly<Record<string, unknown>>,
  ) => {
    const { mailboxId } = await mailboxOn(profile, credentials);
    const operation = await testMailbox(world, organization, mailboxId);
    const { incoming, outgoing } = operation.result.workloads;
    const states = await workloadsOf(mailboxId);
    const describeOne = (name: 'incoming' | 'outgoing') => {
      const { status, enabled, fault, steps } = operation.result.workloads[name];
      const failed = steps.find((step: { status: string }) => step.status === 'failure');
      expect(states[name]).toMatchObject({
        state: 'notTested',
        lastTest: { status: 'failure', code: fault.code },
        fault: { code: fault.code },
      });
      expect([status, enabled, failed.code]).toEqual(['failure', false, fault.code]);
      expect(fault.fix).not.toBe('');
      const seconds = steps.reduce((sum: number, step: { seconds: number }) => sum + step.seconds, 0);
      return { step: failed.name, code: fault.code, whoActs: fault.whoActs, seconds };
    };
    expect(operation.status).toBe('succeeded');
    return {
      incoming: incoming.status === 'failure' ? describeOne('incoming') : 'success',
      outgoing: outgoing.status === 'failure' ? describeOne('outgoing') : 'success',
    };
  };

  it('an unknown host', async () => {
    const failures = await failuresOf({
      incoming: { protocol: 'imap', host: 'imap.nowhere.invalid', port: 993, security: 'tls' },
      outgoing: { protocol: 'smtp', host: 'smtp.nowhere.invalid', port: 465, security: 'tls' },
    });

    for (const side of [failures.incoming, failures.outgoing])
      expect(side).toMatchObject({ step: 'resolve', code: 'connectFailed', whoActs: 'administrator' });
  });

  it('a refused connection, of one side alone', async () => {
    const closed = await startSilentServer();
    await closed.stop();

    const failures = await failuresOf({
      outgoing: { protocol: 'smtp', host: '127.0.0.1', port: closed.port, security: 'tls' },
    });

    expect(failures.outgoing).toMatchObject({ step: 'connect', code: 'connectFailed' });
    expect(failures.incoming).toBe('success');
  });

  it('a server that says nothing, within timeoutSeconds', async () => {
    const silent = await startSilentServer();
    try {
      for (const security of ['tls', 'startTls'] as const) {
        organization = await world.api.createOrganization();
        call = organization.as('admin');
        const failures = await failuresOf({
          incoming: { protocol: 'imap', host: '127.0.0.1', port: silent.port, security },
          outgoing: { protocol: 'smtp', host: '127.0.0.1', port: silent.port, security },
          timeoutSeconds: 1,
        });

        for (const side of [failures.incoming, failures.outgoing]) {
          expect(side).toMatchObject({ code: 'timedOut' });
          const { seconds } = side as { readonly seconds: number };
          expect(seconds).toBeGreaterThan(0.9);
          // Far from what is waited where the profile does not say how long.
          expect(seconds).toBeLessThan(10);
        }
      }
      await eventually(() => (silent.openConnections() === 0 ? true : undefined), { what: 'no connection stays open' });
    } finally {
      await silent.stop();
    }
  });

  it('a server that greets and then says nothing', async () => {
    const imap = await startSilentServer('* OK ready\r\n');
    const smtp = await startSilentServer('220 ready\r\n');
    try {
      const failures = await failuresOf({
        incoming: { protocol: 'imap', host: '127.0.0.1', port: imap.port, security: 'startTls' },
        outgoing: { protocol: 'smtp', host: '127.0.0.1', port: smtp.port, security: 'startTls' },
        timeoutSeconds: 1,
      });

      for (const side of [failures.incoming, failures.outgoing])
        expect(side).toMatchObject({ step: 'tls', code: 'timedOut' });
    } finally {
      await Promise.all([imap.stop(), smtp.stop()]);
    }
  });

  it('a certificate that nobody trusts', async () => {
    const failures = await failuresOf({ caCertificates: null });

    for (const side of [failures.incoming, failures.outgoing])
      expect(side).toMatchObject({ step: 'tls', code: 'tlsUntrusted', whoActs: 'administrator' });
  });

  it('a port that speaks no TLS', async () => {
    const failures = await failuresOf({
      incoming: { protocol: 'imap', ...world.mail.imapStartTls, security: 'tls' },
      outgoing: { protocol: 'smtp', ...world.mail.submissionStartTls, security: 'tls' },
    });

    for (const side of [failures.incoming, failures.outgoing]) expect(side).toMatchObject({ code: 'connectFailed' });
  });

  it('a wrong password', async () => {
    const failures = await failuresOf({}, { username: anna.username, password: 'wr0ng-word' });

    for (const side of [failures.incoming, failures.outgoing])
      expect(side).toMatchObject({ step: 'authenticate', code: 'authenticationFailed', whoActs: 'mailboxOwner' });
    expect(world.log.length).toBeGreaterThan(0);
    expect(JSON.stringify([world.log, world.api.log, await world.api.allRecords()])).not.toContain('wr0ng-word');
  });

  it('no password at all', async () => {
    const failures = await failuresOf({}, { username: anna.username });

    for (const side of [failures.incoming, failures.outgoing])
      expect(side).toMatchObject({ step: 'authenticate', code: 'authenticationFailed' });
  });

  it('a server that allows no further connection of this login', async () => {
    const held = await Promise.all(
      Array.from({ length: maxUserConnections }, async () => {
        const client = new ImapFlow({
          host: world.mail.imap.host,
          port: world.mail.imap.port,
          secure: true,
          tls: { ca: world.mail.caCertificate },
          auth: { user: anna.username, pass: anna.password },
          logger: false,
        });
        await client.connect();
        return client;
      }),
    );
    try {
      await waitForHeldConnections(world.servers, 'imap', anna.username, maxUserConnections);
      const failures = await failuresOf({});

      expect(failures.incoming).toMatchObject({ step: 'authenticate', code: 'connectionLimit' });
      await eventually(
        async () => {
          const log = await readFile(world.servers.dovecot.logFile, 'utf8');
          return log.includes('Maximum number of connections') ? true : undefined;
        },
        { what: 'the log of Dovecot tells of the limit' },
      );
      expect(failures.outgoing).toBe('success');
    } finally {
      await Promise.all(held.map((client) => client.logout()));
      await waitForHeldConnections(world.servers, 'imap', anna.username, 0);
    }
  });

  it('an address that is not the mailbox of this login', async () => {
    const ben = findMailUser(world.mail, 'ben@contoso.example');
    const { mailboxId } = await mailboxOn({ outgoing: { protocol: 'smtp', ...world.mail.dovecotSubmissionStartTls } });
    await call('PATCH', `/mailboxes/${mailboxId}`, { emailAddress: ben.address });
    await call('POST', `/mailboxes/${mailboxId}/approve`);

    // A lane that has little time left waits for less long.
    const { result } = await testMailbox(world, organization, mailboxId, {}, 20_000);

    expect(result.workloads).toMatchObject({
      outgoing: { status: 'success' },
      incoming: { status: 'failure', fault: { code: 'notAMailbox' } },
    });
  });
});
