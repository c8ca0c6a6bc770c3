import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { createDialledFetch } from '../../../shared/transport/http/dialled-fetch.ts';
import { createDialledPost } from '../../../shared/transport/http/dialled-post.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import { openPop3Session } from '../../../shared/transport/pop3/open-pop3-session.ts';
import { openSmtpSession } from '../../../shared/transport/smtp/open-smtp-session.ts';
import { TransportError } from '../../../shared/transport/transport-error.ts';

const allowed = '127.0.0.1';
/** What only the machine itself may reach. */
const inner = '127.0.0.2';
const name = 'rebound.example';
const policy = createHostPolicy([`${allowed}/32`]);

/** Ends every connection at once; what matters is that there was one. */
const listen = async (host: string, port: number, onConnection: () => void): Promise<Server> => {
  const server = createServer((socket) => {
    onConnection();
    socket.on('error', () => undefined);
    socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
};

let servers: readonly Server[];
let port: number;
let reached: string[] = [];

beforeAll(async () => {
  const first = await listen(allowed, 0, () => reached.push(allowed));
  port = (first.address() as AddressInfo).port;
  servers = [first, await listen(inner, port, () => reached.push(inner))];
});

afterAll(() => {
  for (const server of servers ?? []) server.close();
});

beforeEach(() => {
  reached = [];
});

/** A name whose owner answers with another address each time. */
const rebinding = (...answers: readonly (readonly string[])[]) => {
  let asked = 0;
  return createDialler(policy, async () => {
    const answer = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    return answer;
  });
};

type Dialler = ReturnType<typeof rebinding>;

const target = () => ({ host: name, port, security: 'none' as const, caCertificates: null, timeoutSeconds: 5 });
const credentials = { authentication: 'password', username: 'anna', password: 'secret' } as const;
const options = () => ({ deadline: Date.now() + 30_000, allowInsecureCredentials: true });
const url = (): string => `http://${name}:${port}/`;

const ways: readonly (readonly [string, (dialler: Dialler) => Promise<unknown>])[] = [
  ['IMAP', (dialler) => openImapSession(target(), credentials, dialler, options())],
  ['POP3', (dialler) => openPop3Session(target(), credentials, dialler, options())],
  ['SMTP', (dialler) => openSmtpSession(target(), credentials, dialler, options())],
  [
    'a webhook',
    async (dialler) => {
      const connection = createDialledPost({ dialler, hostPolicy: policy, timeoutSeconds: 5 });
      await connection.post(url(), {}, '{}').finally(() => connection.close());
    },
  ],
  [
    'an authorization server',
    (dialler) =>
      createDialledFetch({
        dialler,
        timeoutSeconds: 5,
        limitBytes: 1_000,
        caCertificates: null,
        ports: { secure: port, plain: port },
      })(`http://${name}/`),
  ],
];

const faultOf = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof TransportError ? error.fault.code : undefined;
};

describe('a name that changes what it stands for', () => {
  it.each(ways)('leads %s to the address that was checked, and to no other', async (_, connect) => {
    const fault = await faultOf(connect(rebinding([allowed], [inner])));

    expect(fault).not.toBe('hostNotAllowed');
    expect(reached.length).toBeGreaterThan(0);
    expect(reached).not.toContain(inner);
  });

  it.each(ways)('is refused to %s when it stands for an inner address by then', async (_, connect) => {
    const dialler = rebinding([allowed], [inner]);
    await faultOf(connect(dialler));
    reached = [];

    expect(await faultOf(connect(dialler))).toBe('hostNotAllowed');
    expect(reached).toEqual([]);
  });

  it.each(ways)('is refused to %s when an inner address is among others', async (_, connect) => {
    expect(await faultOf(connect(rebinding([allowed, inner])))).toBe('hostNotAllowed');
    expect(reached).toEqual([]);
  });
});

describe('a redirect', () => {
  let redirecting: HttpServer;
  let from: string;

  beforeAll(async () => {
    redirecting = createHttpServer((_, answer) =>
      answer.writeHead(307, { location: `http://${inner}:${port}/` }).end(),
    );
    redirecting.listen(0, allowed);
    await once(redirecting, 'listening');
    from = `http://${name}:${(redirecting.address() as AddressInfo).port}/`;
  });

  afterAll(() => {
    redirecting?.close();
  });

  it('is an answer like any other to a webhook and to an authorization server: nobody goes where it leads', async () => {
    const dialler = rebinding([allowed]);
    const connection = createDialledPost({ dialler, hostPolicy: policy, timeoutSeconds: 5 });
    const posted = await connection.post(from, {}, '{}').finally(() => connection.close());
    const plain = Number(new URL(from).port);
    const ports = { secure: plain, plain };
    const fetched = createDialledFetch({ dialler, timeoutSeconds: 5, limitBytes: 1_000, caCertificates: null, ports });

    expect([posted.status, (await fetched(`http://${name}/`)).status]).toEqual([307, 307]);
    expect(reached).toEqual([]);
  });
});

describe('the way out', () => {
  /** They connect to what the dialler has given them; the tests above hold them to it. */
  const connecting = [
    'shared/transport/http/dialled-fetch.ts',
    'shared/transport/http/dialled-post.ts',
    'shared/transport/imap/bulk-fetch-client.ts',
    'shared/transport/imap/imap-connection.ts',
    'shared/transport/pop3/pop3-socket.ts',
    'shared/transport/smtp/smtp-connection.ts',
    'shared/transport/smtp/submission-client.ts',
  ];
  const opens =
    /\bimport (?!type)[^;]*\b(?:connect|createConnection|request|get|Agent)\b[^;]* from 'node:(?:net|tls|http|https|http2|dgram)'|\bimport (?!type)[^;]* from '(?:imapflow|nodemailer|nodemailer\/lib\/smtp[^']*|undici)'|\bglobalThis\.fetch\b|\bnew (?:WebSocket|EventSource)\b/;

  it('is known: nothing else opens a connection', () => {
    const root = new URL('../../..', import.meta.url).pathname;
    const files = globSync('{shared,functions}/**/*.ts', { cwd: root });
    const found = files.filter((file) => opens.test(readFileSync(`${root}${file}`, 'utf8')));

    expect(found.filter((file) => !connecting.includes(file))).toEqual([]);
    expect(found.length).toBeGreaterThan(3);
  });
});
