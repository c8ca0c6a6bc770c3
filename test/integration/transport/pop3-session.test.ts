import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionStep } from '../../../shared/transport/connection.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { openPop3Session } from '../../../shared/transport/pop3/open-pop3-session.ts';
import { TransportError } from '../../../shared/transport/transport-error.ts';
import { hostileMessages } from '../../corpus/hostile-messages.ts';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { waitForHeldConnections } from '../../support/held-connections.ts';
import { type MailServers, type MailUser, startTestMailServers } from '../../support/mail-servers.ts';
import { appendMessage, findMailUser, withMailbox } from '../../support/mailbox-client.ts';

// So many that only the test of the limit comes near it: Dovecot counts a session for a moment after its end.
const maxUserConnections = 5;
let servers: MailServers;

beforeAll(async () => {
  servers = await startTestMailServers({ maxUserConnections });
});

afterAll(() => servers.stop());

const dialler = createDialler(createHostPolicy(['127.0.0.0/8']));

interface Changes {
  readonly password?: string;
  readonly host?: string;
  readonly caCertificates?: string | null;
  readonly security?: 'tls' | 'startTls';
  readonly port?: number;
}

const open = (
  user: MailUser,
  side: 'pop3' | 'pop3StartTls' = 'pop3',
  changes: Changes = {},
  steps?: ConnectionStep[],
) => {
  const { password = user.password, ...target } = changes;
  const mail = servers.environment;
  return openPop3Session(
    { ...mail[side], caCertificates: mail.caCertificate, timeoutSeconds: 10, ...target },
    { authentication: 'password', username: user.username, password },
    dialler,
    { deadline: Date.now() + 60_000, onStep: (step) => steps?.push(step) },
  );
};

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw error ?? new Error('It did not fail');
  return `${error.fault.code} ${error.class} ${error.level}`;
};

describe('with Dovecot', () => {
  it.each(['pop3', 'pop3StartTls'] as const)('lists and reads messages, over %s', async (side) => {
    const mail = servers.environment;
    const user = findMailUser(mail, side === 'pop3' ? 'user1@example.test' : 'user2@example.test');
    const raws = [
      buildMessage(ordinaryHeaders({ subject: 'first' }), '.\r\n..dots\r\n'),
      buildMessage(ordinaryHeaders({ subject: 'second' }), 'body\r\n'),
    ];
    for (const raw of raws) await appendMessage(mail, user, raw);
    const steps: ConnectionStep[] = [];

    const session = await open(user, side, {}, steps);
    const listed = await session.list();
    const headers: string[] = [];
    await session.readHeaders([1, 2], (_number, header) => headers.push(header.toString()));
    const contents: Buffer[] = [];
    await session.readMessages([1, 2], (_number, content) => contents.push(content));
    await session.close();
    const again = await open(user, side);
    const listedAgain = await again.list();
    await again.close();

    expect(steps).toEqual(['resolve', 'connect', 'tls', 'authenticate']);
    expect(contents.map(String)).toEqual(raws.map(String));
    expect(headers).toEqual(raws.map((raw) => `${String(raw).split('\r\n\r\n')[0]}\r\n\r\n`));
    expect(listed.map(({ sizeBytes }) => sizeBytes)).toEqual(raws.map((raw) => Buffer.byteLength(raw)));
    expect(new Set(listed.map(({ uidl }) => uidl)).size).toBe(2);
    expect(listedAgain).toEqual(listed);
  });

  it('reads the same bytes of hostile messages as IMAP does', async () => {
    const mail = servers.environment;
    const user = findMailUser(mail, 'user3@example.test');
    const expected: string[] = [];
    await withMailbox(mail, user, async (client) => {
      for (const { raw } of hostileMessages()) {
        // By IMAP it cannot give zero bytes, and some messages it does not take.
        if (raw.length > 2_000_000 || raw.includes(0)) continue;
        await client.append('INBOX', raw).catch(() => undefined);
      }
      await client.mailboxOpen('INBOX', { readOnly: true });
      for await (const { source } of client.fetch('1:*', { source: true }))
        expected.push(source?.toString('latin1') ?? '');
    });
    const session = await open(user);
    const listed = await session.list();
    const contents: Buffer[] = [];
    await session.readMessages(
      listed.map(({ number }) => number),
      (_number, content) => contents.push(content),
    );
    await session.close();
    expect(expected.length).toBeGreaterThan(10);
    // What does not end with a line's end gets one: POP3 knows no other form (RFC 1939 section 3).
    expect(contents.map((one) => one.toString('latin1'))).toEqual(
      expected.map((one) => (one.endsWith('\r\n') ? one : `${one}\r\n`)),
    );
  });

  it('removes marked messages when the session is closed and not when it breaks off', async () => {
    const mail = servers.environment;
    const user = findMailUser(mail, 'user4@example.test');
    for (const subject of ['one', 'two', 'three'])
      await appendMessage(mail, user, buildMessage(ordinaryHeaders({ subject })));

    const broken = await open(user);
    await broken.markDeleted([1, 2, 3]);
    for await (const _ of broken.streamMessage(9)) break;
    const stream = broken.streamMessage(2)[Symbol.asyncIterator]();
    await stream.return?.();
    const interrupted = await open(user);
    const before = await interrupted.list();
    await interrupted.markDeleted([1, 3]);
    await interrupted.close();
    const after = await open(user);
    const left = await after.list();
    await after.close();

    expect(before).toHaveLength(3);
    expect(left.map(({ uidl }) => uidl)).toEqual([before[1]?.uidl]);
    await broken.close();
  });

  it.each([
    ['a wrong password', { password: 'wrong' }, 'authenticationFailed refused mailbox'],
    ['a certificate that nobody trusts', { caCertificates: null }, 'tlsUntrusted permanent profile'],
    ['an authority that cannot be read', { caCertificates: 'no PEM' }, 'tlsUntrusted permanent profile'],
    ['a port where TLS comes later', { port: 'startTls' }, 'connectFailed transient profile'],
    ['a closed port', { port: 'closed' }, 'connectFailed transient profile'],
    ['a host that is not allowed', { host: '10.0.0.1' }, 'hostNotAllowed permanent profile'],
  ] as const)(
    'tells %s',
    async (_what, { port, ...changes }: Omit<Changes, 'port'> & { port?: 'startTls' | 'closed' }, expected) => {
      const mail = servers.environment;
      const user = findMailUser(mail, 'user5@example.test');
      const ports = { startTls: mail.pop3StartTls.port, closed: 1 };
      const work = open(user, 'pop3', { ...changes, ...(port === undefined ? {} : { port: ports[port] }) });
      expect(await faultOf(work)).toBe(expected);
    },
  );

  it('takes the limit of connections for a wish to wait, not for a wrong password', async () => {
    const user = findMailUser(servers.environment, 'user6@example.test');
    const sessions: Awaited<ReturnType<typeof open>>[] = [];
    while (sessions.length < maxUserConnections) sessions.push(await open(user));
    await waitForHeldConnections(servers, 'pop3', user.username, maxUserConnections);
    expect(await faultOf(open(user))).toBe('connectionLimit throttled mailbox');
    for (const session of sessions) await session.close();
  });
});
