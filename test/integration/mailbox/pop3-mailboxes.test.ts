import { afterAll, beforeAll, expect, it } from 'vitest';
import { openIncomingProbe } from '../../../shared/mailbox/incoming-probe.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { findMailUser, listMessages } from '../../support/mailbox-client.ts';
import { startMaildropServer } from '../../support/maildrop-server.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  profileFields,
  startMailboxWorld,
  testMailbox,
} from './mailbox-world.ts';

let world: MailboxWorld;
let organization: TestOrganization;
let call: ApiCall;

beforeAll(async () => {
  world = await startMailboxWorld();
  organization = await world.api.createOrganization();
  call = organization.as('admin');
});

afterAll(async () => {
  await world?.stop();
});

const maildrop = (side: 'pop3' | 'pop3StartTls' = 'pop3') => ({
  kind: 'pop3Smtp',
  incoming: { protocol: 'pop3', ...world.mail[side] },
});

const mailboxOf = async (address: string, profile: object, credentials?: Readonly<Record<string, unknown>>) => {
  const serverProfileId = await createProfile(organization, world.mail, { ...profile });
  const mailUser = findMailUser(world.mail, address);
  const setup = { externalId: address, mailUser, serverProfileId, ...(credentials && { credentials }) };
  return { ...(await createUserMailbox(organization, setup)), serverProfileId, mailUser };
};

type Step = { readonly name: string; readonly status: string };
const outcomes = (steps: readonly Step[]) => steps.map(({ name, status }) => `${name} ${status}`);

it.each([
  ['pop3', 'user1@example.test'],
  ['pop3StartTls', 'user2@example.test'],
] as const)('is tested step by step and enabled, over %s', async (side, address) => {
  const { mailboxId, mailUser } = await mailboxOf(address, maildrop(side));

  const { incoming, outgoing } = (await testMailbox(world, organization, mailboxId)).result.workloads;

  expect(outcomes(incoming.steps)).toEqual([
    'resolve success',
    'connect success',
    'tls success',
    'authenticate success',
    'list success',
    'receive success',
  ]);
  expect(incoming.enabled && outgoing.enabled).toBe(true);
  expect(await listMessages(world.mail, mailUser)).toHaveLength(1);
});

it('with a wrong password fails at the login, and is not enabled', async () => {
  const { mailboxId } = await mailboxOf('user3@example.test', maildrop(), { password: 'wrong' });

  const { incoming } = (await testMailbox(world, organization, mailboxId, { sendTestMessage: false })).result.workloads;

  expect(incoming).toMatchObject({ status: 'failure', enabled: false, fault: { code: 'authenticationFailed' } });
  expect(outcomes(incoming.steps)[3]).toBe('authenticate failure');
});

it('is looked at in a new session until the test message is there, unless the server wants logins further apart', async () => {
  let sessions = 0;
  const before = Array.from({ length: 150 }, (_, index) => ({
    content: `Message-ID: <${index}@x>\r\n\r\n`,
    uidl: `${index}`,
  }));
  const arrived = { content: 'Message-ID: <test@x>\r\n\r\n', uidl: 'new' };
  const server = await startMaildropServer({
    messages: () => {
      sessions += 1;
      return sessions < 3 ? before : [...before, arrived];
    },
    answer: (command, session) =>
      session === 2 && command.startsWith('PASS') ? '-ERR [LOGIN-DELAY] wait\r\n' : undefined,
  });
  try {
    const endpoint = { host: '127.0.0.1', port: server.port, security: 'none' } as const;
    const probe = await openIncomingProbe(
      {
        incoming: { protocol: 'pop3', ...endpoint },
        outgoing: { protocol: 'smtp', ...endpoint },
        caCertificates: null,
        timeoutSeconds: 5,
      },
      { authentication: 'password', username: 'anna', password: 's3cret' },
      createDialler(createHostPolicy(['127.0.0.0/8'])),
      { deadline: Date.now() + 20_000, onStep: () => undefined },
    );
    await probe.list();
    const looks = [
      await probe.hasArrived('<test@x>'),
      await probe.hasArrived('<test@x>'),
      await probe.hasArrived('<test@x>'),
    ];
    await probe.close();
    expect(looks).toEqual([false, false, true]);
    expect(server.commands.filter((command) => command.startsWith('TOP'))).toHaveLength(120 + 1);
  } finally {
    await server.stop();
  }
});

it('has an Inbox and nothing else, no folder rules and no ACT', async () => {
  const { mailboxId } = await mailboxOf('user6@example.test', maildrop());
  const imap = await createProfile(organization, world.mail);
  const path = `/mailboxes/${mailboxId}`;

  const folders = await call('GET', `${path}/folders`);
  const rule = await call('POST', `${path}/folder-rules`, { folderId: 'INBOX' });
  const act = await call('PATCH', path, { workloads: { act: { method: 'client' } } });
  await call('PATCH', path, { serverProfileId: imap, workloads: { act: { method: 'client' } } });
  const profile = (await call('GET', path)).body.serverProfileId;
  const back = await createProfile(organization, world.mail, maildrop());
  const moved = await call('PATCH', path, { serverProfileId: back });

  expect(folders.body.data).toEqual([{ id: 'INBOX', path: 'INBOX', role: 'inbox' }]);
  expect(rule).toMatchObject({ status: 409, body: { code: 'notSupported' } });
  expect(act).toMatchObject({
    status: 409,
    body: { code: 'notSupported', errors: [{ pointer: '#/workloads/act/method' }] },
  });
  expect(profile).toBe(imap);
  expect(moved).toMatchObject({ status: 409, body: { code: 'notSupported' } });
});

it('cannot come of a profile whose mailboxes have folder rules or ACT: the refusal names them and changes nothing', async () => {
  const imap = { kind: 'imapSmtp', incoming: { protocol: 'imap', ...world.mail.imap } };
  const serverProfileId = await createProfile(organization, world.mail, imap);
  const create = (address: string) =>
    createUserMailbox(organization, {
      externalId: address,
      mailUser: findMailUser(world.mail, address),
      serverProfileId,
    });
  const withAct = await create('user8@example.test');
  const withRule = await create('user9@example.test');
  await call('PATCH', `/mailboxes/${withAct.mailboxId}`, { workloads: { act: { method: 'client' } } });
  const rule = await call('POST', `/mailboxes/${withRule.mailboxId}/folder-rules`, { folderId: 'Archive' });
  const path = `/server-profiles/${serverProfileId}`;
  const before = (await call('GET', path)).body;

  const refused = await call('PATCH', path, maildrop());
  const after = (await call('GET', path)).body;
  const other = await createProfile(organization, world.mail, maildrop());
  const moved = await call('PATCH', `/mailboxes/${withRule.mailboxId}`, { serverProfileId: other });
  await call('PATCH', `/mailboxes/${withAct.mailboxId}`, { workloads: { act: { method: 'none' } } });
  await call('DELETE', `/mailboxes/${withRule.mailboxId}/folder-rules/${rule.body.id}`);
  const changed = await call('PATCH', path, maildrop());

  expect(refused).toMatchObject({ status: 409, body: { code: 'notSupported' } });
  expect([...refused.body.mailboxIds].sort()).toEqual([withAct.mailboxId, withRule.mailboxId].sort());
  expect(after).toEqual(before);
  expect(moved).toMatchObject({ status: 409, body: { code: 'notSupported' } });
  expect([changed.status, changed.body.incoming.protocol]).toEqual([200, 'pop3']);
});

it.each([
  ['IMAP', { incoming: { protocol: 'imap' } }, '#/incoming/protocol'],
  ['another protocol to send by', { outgoing: { protocol: 'graph' } }, '#/outgoing/protocol'],
  ['no login', { credentials: { source: 'profile', authentication: 'none' } }, '#/credentials/authentication'],
  ['the wrong kind', { kind: 'imapSmtp' }, '#/incoming/protocol'],
] as const)('has a profile that does not go with %s', async (_what, change, pointer) => {
  const fields = profileFields(world.mail, maildrop());
  const merged = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const other = (change as Readonly<Record<string, unknown>>)[name];
      return [name, typeof other === 'object' ? { ...(value as object), ...other } : (other ?? value)];
    }),
  );
  expect(await call('POST', '/server-profiles', merged)).toMatchObject({
    status: 400,
    body: { code: 'unsupportedCombination', errors: [{ pointer }] },
  });
});

it('has a profile that is tested by itself', async () => {
  const id = await createProfile(organization, world.mail, maildrop());
  const { body } = await call('POST', `/server-profiles/${id}/test`, {});
  const { result } = await world.finish(call, body.id);
  expect(outcomes(result.workloads.incoming.steps).slice(0, 4)).toEqual([
    'resolve success',
    'connect success',
    'tls success',
    'authenticate skipped',
  ]);
});
