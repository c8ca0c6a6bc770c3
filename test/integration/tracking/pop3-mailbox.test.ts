import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { appendMessage, listMessages, withMailbox } from '../../support/mailbox-client.ts';
import {
  type MaildropServer,
  type MaildropServerOptions,
  type StoredMessage,
  startMaildropServer,
} from '../../support/maildrop-server.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;
const maildrops: MaildropServer[] = [];

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  for (const server of maildrops) await server.stop();
  await world?.stop();
});

let numbers = 0;

/** A message that has just come, as a server marks it whose clock goes a little fast. */
const arrived = (subject: string, { at = new Date(Date.now() + 60_000), to = 'user1@example.test' } = {}): string => {
  numbers += 1;
  const headers = ordinaryHeaders({ Subject: subject, To: to, 'Message-ID': `<pop3-${numbers}@client.example>` });
  return `Received: from client.example by mx.example.test; ${at.toUTCString()}\r\n${buildMessage(headers, 'Hello\r\n')}`;
};

const ordered = (decisions: readonly Record<string, unknown>[]) => [...decisions].reverse();

/** An organization that reads mail from Dovecot by POP3. */
const onDovecot = (): Promise<IncomingOrganization> => {
  const mail = world.servers.environment;
  return world.createOrganization(mail, { kind: 'pop3Smtp', incoming: { protocol: 'pop3', ...mail.pop3 } });
};

/** An organization that reads mail from a maildrop in memory. */
const onMaildrop = async (options: MaildropServerOptions) => {
  const server = await startMaildropServer(options);
  maildrops.push(server);
  const incoming = { protocol: 'pop3', host: '127.0.0.1', port: server.port, security: 'none' };
  const organization = await world.createOrganization(undefined, { kind: 'pop3Smtp', incoming });
  return { server, organization };
};

const subjects = async (organization: IncomingOrganization): Promise<readonly string[]> =>
  (await organization.emails()).map(({ subject }) => subject).sort();

describe('a POP3 mailbox on Dovecot', () => {
  it('tracks what arrives after it was enabled, and leaves older mail and the mailbox as they are', async () => {
    const mail = world.servers.environment;
    const mailUser = world.mailUser(1);
    const organization = await onDovecot();
    const before = arrived('before', { at: new Date(Date.now() - 86_400_000 * 3) });
    await appendMessage(mail, mailUser, before);
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    const raw = arrived('after');
    await appendMessage(mail, mailUser, raw);

    const cycle = await organization.synchronize(mailboxId);

    const [email] = await organization.emails();
    const [decision] = await organization.decisions(mailboxId);
    const stored = await organization.call('GET', `/emails/${email?.id}/raw`);
    expect(await subjects(organization)).toEqual(['after']);
    expect(cycle.lastCounts).toEqual({ seen: 1, tracked: 1, skipped: 0, failed: 0 });
    expect(decision).toMatchObject({ folder: 'INBOX', outcome: 'tracked', uidl: expect.any(String) });
    expect(decision).not.toHaveProperty('uid');
    expect(email?.sizeBytes).toBe(Buffer.byteLength(raw));
    expect(stored.status).toBe(302);
    expect(await listMessages(mail, mailUser)).toHaveLength(2);
  });

  it('goes on where the deadline stopped it, until nothing is left', async () => {
    const mail = world.servers.environment;
    const mailUser = world.mailUser(2);
    const organization = await onDovecot();
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    await withMailbox(mail, mailUser, async (client) => {
      for (let count = 0; count < 600; count += 1) await client.append('INBOX', arrived(`mail ${count}`));
    });
    const before = (await organization.cycle(mailboxId)).generation;
    // What a run leaves for its end is 12 s: the first one ends long before the last window.
    const cycle = await organization.synchronize(mailboxId, 12_150);
    expect(await organization.emails()).toHaveLength(600);
    expect(cycle.generation - before).toBeGreaterThan(1);
  }, 120_000);

  it('doubles nothing when another program removes mail and new mail comes', async () => {
    const mail = world.servers.environment;
    const mailUser = world.mailUser(3);
    const organization = await onDovecot();
    const { mailboxId } = await organization.user(mailUser);
    for (const subject of ['one', 'two', 'three']) await appendMessage(mail, mailUser, arrived(subject));
    await organization.synchronize(mailboxId);
    await withMailbox(mail, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1:2');
    });
    await appendMessage(mail, mailUser, arrived('four'));
    const cycle = await organization.synchronize(mailboxId);
    expect(await subjects(organization)).toEqual(['four', 'one', 'three', 'two']);
    expect(cycle.lastCounts?.seen).toBe(1);
  });
});

describe('a POP3 server', () => {
  it('that lists what it listed before is asked for nothing else', async () => {
    const messages: StoredMessage[] = [{ content: arrived('one'), uidl: 'a' }];
    const { server, organization } = await onMaildrop({ messages: () => messages });
    const { mailboxId } = await organization.user(world.mailUser(10));
    await organization.synchronize(mailboxId);
    server.commands.splice(0);
    await organization.synchronize(mailboxId);
    expect(server.commands.filter((command) => !/^(?:CAPA|USER|PASS)/.test(command))).toEqual(['LIST', 'UIDL', 'QUIT']);
  });

  it('that gives its messages other names each time doubles nothing, and new mail is found', async () => {
    const contents = [arrived('one'), arrived('two')];
    let sessions = 0;
    const { organization } = await onMaildrop({
      messages: () => {
        sessions += 1;
        return contents.map((content, index) => ({ content, uidl: `${sessions}-${index}` }));
      },
    });
    const { mailboxId } = await organization.user(world.mailUser(11));
    for (let cycle = 0; cycle < 6; cycle += 1) await organization.synchronize(mailboxId);
    contents.unshift(arrived('three'));
    const { lastCounts } = await organization.synchronize(mailboxId);
    const state = await organization.synchronize(mailboxId);
    expect(await subjects(organization)).toEqual(['one', 'three', 'two']);
    expect(lastCounts).toEqual({ seen: 1, tracked: 1, skipped: 0, failed: 0 });
    expect(state.enabled).toBe(true);
    expect(await organization.decisions(mailboxId)).toHaveLength(3);
  });

  it.each([
    ['UIDL', ['UIDL']],
    ['UIDL and TOP', ['UIDL', 'TOP']],
  ])('without %s is read, and doubles nothing', async (_what, missing) => {
    const contents = [arrived('one')];
    const { server, organization } = await onMaildrop({
      capabilities: ['USER', 'TOP', 'UIDL'].filter((name) => !missing.includes(name)),
      messages: () => contents.map((content) => ({ content })),
      answer: (command) => (missing.some((name) => command.startsWith(name)) ? '-ERR unknown\r\n' : undefined),
    });
    const { mailboxId } = await organization.user(world.mailUser(12));
    await organization.synchronize(mailboxId);
    contents.push(arrived('two'), arrived('three'));
    contents.shift();
    await organization.synchronize(mailboxId);
    server.commands.splice(0);
    await organization.synchronize(mailboxId);
    expect(await subjects(organization)).toEqual(['one', 'three', 'two']);
    expect(server.commands.filter((command) => /^(?:TOP|RETR)/.test(command)).length).toBeLessThanOrEqual(2);
  });

  it('that does not send a message holds up nothing behind it for longer than three runs', async () => {
    const messages = [arrived('one'), arrived('withheld'), arrived('three')];
    const { organization } = await onMaildrop({
      messages: () => messages.map((content, index) => ({ content, uidl: `${index}` })),
      answer: (command) => (/^(?:TOP|RETR) 2\b/.test(command) ? '-ERR cannot read it\r\n' : undefined),
    });
    const { mailboxId } = await organization.user(world.mailUser(13));
    for (let run = 0; run < 3; run += 1) await organization.synchronize(mailboxId);
    const outcomes = ordered(await organization.decisions(mailboxId)).map(({ outcome }) => outcome);
    expect(await subjects(organization)).toEqual(['one', 'three']);
    expect([...outcomes].sort()).toEqual(['setAside', 'tracked', 'tracked']);
  });

  it('tells no received date: it is taken from the topmost Received header, else from Date, else it is when it was seen', async () => {
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 5_000);
    const later = 'Received: by relay.example; Mon, 02 Nov 2020 10:00:00 +0000\r\n';
    const contents = [
      `Received: by mx.example.test; ${at.toUTCString()}\r\n${later}${buildMessage(ordinaryHeaders({ Subject: 'stamped' }))}`,
      buildMessage(ordinaryHeaders({ Subject: 'dated', Date: at.toUTCString() })),
      'From: carl@client.example\r\nTo: user14@example.test\r\nMessage-ID: <undated@client.example>\r\nSubject: bare\r\n\r\nx\r\n',
    ];
    const { organization } = await onMaildrop({ messages: () => contents.map((content) => ({ content })) });
    const { mailboxId } = await organization.user(
      world.mailUser(14),
      {},
      { processEmailFrom: '2021-01-01T00:00:00.000Z' },
    );
    await organization.synchronize(mailboxId);
    const details = (await organization.decisions(mailboxId)).map(({ subject, steps }) => {
      const step = (steps as { step: string; detail: string }[]).find((one) => one.step === 'processFrom');
      return `${subject}: ${step?.detail.replace(/received \S+/, 'received').replace(/; .*/, '')}`;
    });
    expect(details.sort()).toEqual([
      'bare: received or before, when it was first seen: no header tells when it came',
      'dated: received by its Date header, since it has no Received header',
      'stamped: received by its Received header',
    ]);
  });
});

describe('a queue whose mail is deleted after processing', () => {
  it('loses what was tracked once the session has ended well, and keeps what was skipped', async () => {
    const contents = [arrived('asked', { to: 'user20@example.test' }), arrived('huge')];
    const { server, organization } = await onMaildrop({ messages: () => contents.map((content) => ({ content })) });
    await organization.settings({ tracking: { maxMessageBytes: 1_000_000 } });
    contents[1] = contents[1] + 'x'.repeat(1_100_000);
    const { mailboxId } = await organization.queue(world.mailUser(20), { filtering: 'all' });
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });
    await organization.synchronize(mailboxId);
    expect(server.commands.filter((command) => /^(?:DELE|QUIT)/.test(command))).toEqual(['DELE 1', 'QUIT']);
    expect(await subjects(organization)).toEqual(['asked']);
  });

  it('keeps what a session that broke off left, when it is to be deleted no longer', async () => {
    const { server, organization } = await onMaildrop({ messages: () => [{ content: kept }] });
    const kept = arrived('one');
    const { mailboxId } = await organization.queue(world.mailUser(22), { filtering: 'all' });
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });
    // The server keeps what was marked: as if the session had not come to its end.
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: false });
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });

    await organization.synchronize(mailboxId);

    expect(await subjects(organization)).toEqual(['one']);
    expect(server.commands.filter((command) => command.startsWith('DELE'))).toHaveLength(1);
  });

  it('doubles nothing when a session broke off before its end, and the next one deletes what is left', async () => {
    const contents = [arrived('one'), arrived('two')];
    const { server, organization } = await onMaildrop({ messages: () => contents.map((content) => ({ content })) });
    const { mailboxId } = await organization.queue(world.mailUser(21), { filtering: 'all' });
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });
    // The server keeps what was marked: as if no session had come to its end.
    for (let run = 0; run < 3; run += 1) await organization.synchronize(mailboxId);
    expect(await subjects(organization)).toEqual(['one', 'two']);
    expect(server.commands.filter((command) => command.startsWith('DELE'))).toHaveLength(6);
    contents.splice(0);
    await organization.synchronize(mailboxId);
    server.commands.splice(0);
    const { lastCounts } = await organization.synchronize(mailboxId);
    expect(server.commands.filter((command) => command.startsWith('DELE'))).toEqual([]);
    expect(lastCounts?.seen).toBe(0);
  });
});
