import { afterEach, expect, it } from 'vitest';
import type { Credentials } from '../../../shared/transport/connection.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { openPop3Session } from '../../../shared/transport/pop3/open-pop3-session.ts';
import { TransportError } from '../../../shared/transport/transport-error.ts';
import { eventually } from '../../support/eventually.ts';
import { type MaildropServer, type MaildropServerOptions, startMaildropServer } from '../../support/maildrop-server.ts';
import { startSilentServer } from '../../support/silent-server.ts';

let stop: (() => Promise<void>) | undefined;
afterEach(() => stop?.());

const dialler = createDialler(createHostPolicy(['127.0.0.0/8']));
const password: Credentials = { authentication: 'password', username: 'anna', password: 's3cret' };

const start = async (options: MaildropServerOptions): Promise<MaildropServer> => {
  const server = await startMaildropServer(options);
  stop = server.stop;
  return server;
};

const open = (
  port: number,
  credentials: Credentials = password,
  security: 'none' | 'startTls' | 'tls' = 'none',
  timeoutSeconds = 5,
) =>
  openPop3Session({ host: '127.0.0.1', port, security, caCertificates: null, timeoutSeconds }, credentials, dialler, {
    deadline: Date.now() + 30_000,
  });

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw error ?? new Error('It did not fail');
  return `${error.fault.code} ${error.class} ${error.level}`;
};

const messages = [
  { content: 'Subject: one\r\n\r\n.\r\n..two dots\r\nlast line\r\n' },
  { content: 'Subject: bare\r\n\r\nline feed\n.\nand on\r\n' },
  { content: Buffer.from('Subject: bytes\r\n\r\n\xff\xfe\x00\x80\r\n', 'latin1') },
  { content: `Subject: long\r\n\r\n${'x'.repeat(200_000)}\r\n` },
];

it.each([1, 2, 3, 7, 64])('reads messages byte by byte as they are, sent in pieces of %i bytes', async (pieceBytes) => {
  const short = messages.slice(0, 3);
  const server = await start({ messages: () => short });
  const session = await open(server.port);
  server.pieceBytes = pieceBytes;

  const listed = await session.list();
  const contents: Buffer[] = [];
  await session.readMessages([1, 2, 3], (_number, content) => contents.push(content));
  const headers: string[] = [];
  await session.readHeaders([1, 2, 3], (_number, header) => headers.push(header.toString('latin1')));
  await session.close();

  expect(listed.map(({ number, uidl }) => `${number} ${uidl}`)).toEqual(['1 id-1', '2 id-2', '3 id-3']);
  expect(contents).toEqual(short.map(({ content }) => Buffer.from(content)));
  expect(headers).toEqual(['Subject: one\r\n\r\n', 'Subject: bare\r\n\r\n', 'Subject: bytes\r\n\r\n']);
});

it('passes a message on in pieces and leaves out what is beyond the limit', async () => {
  const server = await start({ messages: () => messages });
  const session = await open(server.port);
  const pieces: Buffer[] = [];
  for await (const piece of session.streamMessage(4)) pieces.push(piece);
  const limited = await session.readMessage(4, 10, 1_000);
  const whole = await session.readMessage(4, 200_017, 1_000_000);
  const missing = await session.readMessage(9, 10, 1_000);
  await session.close();
  expect(Buffer.concat(pieces).toString('latin1')).toBe(messages[3]?.content);
  expect(limited?.toString('latin1')).toBe(messages[3]?.content.toString().slice(0, 1_000));
  expect(whole?.toString('latin1')).toBe(messages[3]?.content);
  expect(missing).toBeUndefined();
});

it('sends commands ahead of their answers only where the server takes them so', async () => {
  const outstanding = { highest: 0 };
  for (const capabilities of [
    ['TOP', 'UIDL', 'USER'],
    ['TOP', 'UIDL', 'USER', 'PIPELINING'],
  ]) {
    const server = await startMaildropServer({
      capabilities,
      messages: () => Array.from({ length: 120 }, (_, index) => ({ content: `Subject: ${index}\r\n\r\n` })),
    });
    const session = await open(server.port);
    let taken = 0;
    outstanding.highest = 0;
    const numbers = Array.from({ length: 120 }, (_, index) => index + 1);
    await session.readHeaders(numbers, () => {
      const asked = server.commands.filter((command) => command.startsWith('TOP')).length;
      outstanding.highest = Math.max(outstanding.highest, asked - taken);
      taken += 1;
    });
    await session.close();
    await server.stop();
    expect(taken).toBe(120);
    if (capabilities.includes('PIPELINING')) expect(outstanding.highest).toBeGreaterThan(10);
    else expect(outstanding.highest).toBe(1);
  }
});

it('leaves out messages that the server refuses to send and reads the others', async () => {
  const server = await start({
    messages: () => messages,
    answer: (command) => (/ 2\b/.test(command) ? '-ERR [SYS/TEMP] cannot read it\r\n' : undefined),
  });
  const session = await open(server.port);
  const read: number[] = [];
  await session.readHeaders([1, 2, 3], (number) => read.push(number));
  await session.readMessages([1, 2, 3], (number) => read.push(number));
  await session.close();
  expect(read).toEqual([1, 3, 1, 3]);
});

it('reads headers out of whole messages where the server has no TOP', async () => {
  const server = await start({
    capabilities: null,
    messages: () => messages,
    answer: (command) => (command.startsWith('TOP') ? '-ERR unknown command\r\n' : undefined),
  });
  const session = await open(server.port);
  const headers: string[] = [];
  await session.readHeaders([1, 2], (_number, header) => headers.push(header.toString('latin1')));
  await session.close();
  expect(headers).toEqual(['Subject: one\r\n\r\n', 'Subject: bare\r\n\r\n']);
});

it('lists messages without names where the server has no UIDL', async () => {
  const server = await start({
    capabilities: null,
    messages: () => messages.slice(0, 1),
    answer: (command) => (command === 'UIDL' ? '-ERR unknown command\r\n' : undefined),
  });
  const session = await open(server.port);
  expect(await session.list()).toEqual([{ number: 1, sizeBytes: messages[0]?.content.length, uidl: undefined }]);
  await session.close();
});

it('keeps the answers apart when whoever takes one throws', async () => {
  const server = await start({ messages: () => messages });
  const session = await open(server.port);
  const failing = session.readMessages([1, 2, 3], () => {
    throw new Error('not this one');
  });
  await expect(failing).rejects.toThrow('not this one');
  expect(await session.list()).toHaveLength(4);
  await session.close();
});

it('removes what is marked only when the session is closed', async () => {
  const server = await start({ messages: () => messages });
  const session = await open(server.port);
  await session.markDeleted([1, 3]);
  expect(server.commands.at(-1)).toBe('DELE 3');
  await session.close();
  expect(server.commands.at(-1)).toBe('QUIT');
});

it.each([
  [
    'AUTH PLAIN in one step where a wrong password is told by its code',
    ['SASL PLAIN', 'AUTH-RESP-CODE'],
    undefined,
    ['AUTH PLAIN AGFubmEAczNjcmV0'],
  ],
  ['AUTH PLAIN in two steps elsewhere', ['SASL LOGIN PLAIN'], undefined, ['AUTH PLAIN', 'AGFubmEAczNjcmV0']],
  [
    'AUTH PLAIN in two steps after the form was refused',
    ['SASL PLAIN', 'AUTH-RESP-CODE'],
    'AUTH PLAIN AGFubmEAczNjcmV0',
    ['AUTH PLAIN AGFubmEAczNjcmV0', 'AUTH PLAIN', 'AGFubmEAczNjcmV0'],
  ],
  ['USER and PASS where there is no SASL', ['USER'], undefined, ['USER anna', 'PASS s3cret']],
] as const)('logs in by %s', async (_how, capabilities, refused, expected) => {
  const server = await start({
    capabilities: [...capabilities],
    answer: (command) => {
      if (command === refused) return '-ERR bad syntax\r\n';
      if (command === 'AUTH PLAIN') return '+ \r\n';
      return command.includes('AGFubmEAczNjcmV0') ? '+OK\r\n' : undefined;
    },
  });
  const session = await open(server.port);
  await session.close();
  expect(server.commands.filter((command) => command !== 'CAPA' && command !== 'QUIT')).toEqual(expected);
});

it('does not give a refused password a second try', async () => {
  const server = await start({
    capabilities: ['SASL PLAIN', 'AUTH-RESP-CODE'],
    answer: (command) => (command.startsWith('AUTH') ? '-ERR [AUTH] wrong\r\n' : undefined),
  });
  expect(await faultOf(open(server.port))).toBe('authenticationFailed refused mailbox');
  expect(server.commands.filter((command) => command.startsWith('AUTH'))).toHaveLength(1);
});

it.each(['XOAUTH2', 'OAUTHBEARER'])(
  'logs in with a token by %s, and tells when it is not accepted',
  async (mechanism) => {
    const tokenLogin = (...tokens: readonly string[]): Credentials => ({
      authentication: 'oauth2',
      username: 'anna',
      tokens: { current: async () => tokens[0] ?? '', renew: async () => tokens[1] ?? tokens[0] ?? '' },
    });
    let given = '';
    const server = await start({
      capabilities: [`SASL ${mechanism}`],
      answer: (command) => {
        if (command === `AUTH ${mechanism}`) return '+ \r\n';
        const text = Buffer.from(command, 'base64').toString();
        if (text.includes('Bearer')) {
          given = text;
          return text.includes('Bearer good') ? '+OK\r\n' : '+ eyJzdGF0dXMiOiI0MDAifQ==\r\n';
        }
        return command === '' || command === 'AQ==' ? '-ERR [AUTH] Authentication failed\r\n' : undefined;
      },
    });
    const session = await open(server.port, tokenLogin('old', 'good'));
    await session.close();
    expect(given).toBe(
      mechanism === 'XOAUTH2'
        ? 'user=anna\u0001auth=Bearer good\u0001\u0001'
        : 'n,a=anna,\u0001auth=Bearer good\u0001\u0001',
    );
    expect(await faultOf(open(server.port, tokenLogin('bad')))).toBe('authenticationFailed refused mailbox');
  },
);

it('never sends a line break that stands in a login', async () => {
  const server = await start({});
  const wicked = { authentication: 'password', username: 'anna', password: 'x\r\nDELE 1' } as const;
  expect(await faultOf(open(server.port, wicked))).toBe('authenticationFailed permanent mailbox');
  expect(server.commands).not.toContain('DELE 1');
});

it.each([
  ['another protocol', { greeting: '* OK IMAP4rev1' }, 'protocolUnsupported permanent profile'],
  ['a server that refuses at the door', { greeting: '-ERR [SYS/TEMP] come back' }, 'serverError transient profile'],
  ['a greeting without an end', { greeting: 'x'.repeat(20_000) }, 'serverError transient profile'],
  [
    'a login that breaks off',
    { answer: (command: string) => (command.startsWith('PASS') ? '+maybe\r\n' : undefined) },
    'serverError transient profile',
  ],
  [
    'a maildrop that another session holds',
    { answer: (command: string) => (command.startsWith('PASS') ? '-ERR [IN-USE] locked\r\n' : undefined) },
    'throttled throttled mailbox',
  ],
] as const)('tells %s', async (_what, options, expected) => {
  const server = await start(options);
  expect(await faultOf(open(server.port))).toBe(expected);
});

it('refuses to go on unprotected where STLS is not offered', async () => {
  const server = await start({});
  expect(await faultOf(open(server.port, password, 'startTls'))).toBe('protocolUnsupported permanent profile');
  expect(server.commands).toEqual(['CAPA']);
});

it('refuses answers that were put in before the handshake', async () => {
  const server = await start({
    capabilities: ['STLS'],
    answer: (command) => (command === 'STLS' ? '+OK begin\r\n+OK forged\r\n' : undefined),
  });
  expect(await faultOf(open(server.port, password, 'startTls'))).toContain('profile');
  expect(server.commands).toEqual(['CAPA', 'STLS']);
});

it('gives up a server that says nothing', async () => {
  const server = await startSilentServer();
  stop = server.stop;
  expect(await faultOf(open(server.port, password, 'none', 1))).toBe('timedOut transient profile');
  await eventually(async () => (server.openConnections() === 0 ? true : undefined), { what: 'the socket is closed' });
});

it('is not held by a server that sends a byte now and then', async () => {
  const server = await start({ messages: () => messages, drip: (command) => command === 'RETR 2' });
  const session = await open(server.port, password, 'none', 1);
  expect(await faultOf(session.readMessages([2], () => undefined))).toBe('timedOut transient mailbox');
  await session.close();
});

it('takes an answer that breaks off for a failure', async () => {
  const server = await start({
    messages: () => messages,
    answer: (command) => (command === 'RETR 2' ? '+OK\r\nSubject: cut\r\n' : undefined),
  });
  const session = await open(server.port, password, 'none', 1);
  expect(await faultOf(session.readMessages([1, 2, 3], () => undefined))).toBe('timedOut transient mailbox');
  expect(await faultOf(session.list())).toBe('serverError transient mailbox');
  await session.close();
});

it('ends a header that does not end', async () => {
  const server = await start({
    messages: () => messages,
    answer: (command) => (command === 'TOP 1 0' ? Buffer.alloc(17 * 1024 * 1024, `${'x'.repeat(70)}\r\n`) : undefined),
  });
  const session = await open(server.port);
  expect(await faultOf(session.readHeaders([1], () => undefined))).toBe('serverError transient mailbox');
  await session.close();
});
