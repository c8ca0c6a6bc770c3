import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';

/** The hub at the root of a loopback port, as a custom domain gives it on AWS. */
export type Front = { readonly url: string; readonly stop: () => Promise<void> };

export type FrontOptions = {
  readonly port: number;
  /** Where the emulator answers for the stage of the HTTP API; undefined while nothing is deployed there. */
  readonly target: () => string | undefined;
};

// Meant for one connection, not for what is carried over it (RFC 9110 section 7.6.1).
const hopByHop = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

const endToEnd = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));

/**
 * The emulator's path for a path and query of the hub. It is passed on as it was sent: the emulator decodes what API
 * Gateway decodes, an escaped slash inside an id included.
 */
export const toEmulatorPath = (stagePath: string, hubPath: string): string =>
  `${stagePath}${hubPath.startsWith('/') ? '' : '/'}${hubPath}`;

const refuse = (response: ServerResponse, detail: string): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = {
    type: '/problems/unavailable',
    title: 'The local cloud does not answer',
    status: 503,
    code: 'unavailable',
    detail,
    cause: 'The emulator is stopped or being started',
    fix: 'Repeat the request in a moment',
    whoActs: 'caller',
  };
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  response.end(JSON.stringify(problem));
};

/** Passes every request on to the emulator, streaming both ways. */
export const startFront = async ({ port, target }: FrontOptions): Promise<Front> => {
  // Each side closes what is idle before the other would: a request would otherwise now and then meet a connection that
  // is just being closed. The emulator keeps one for 75 s, clients for no more than some minutes.
  const agent = new Agent({ keepAlive: true, timeout: 30_000 });
  const pass = (incoming: IncomingMessage, response: ServerResponse): void => {
    const stage = target();
    if (stage === undefined) {
      refuse(response, 'The hub is not deployed yet');
      return;
    }
    const { hostname, port: targetPort, pathname, host } = new URL(stage);
    const outgoing = request({
      agent,
      hostname,
      port: targetPort,
      method: incoming.method,
      path: toEmulatorPath(pathname.replace(/\/$/, ''), incoming.url ?? '/'),
      headers: {
        ...endToEnd(incoming.headers),
        host,
        'x-forwarded-host': incoming.headers.host,
        'x-forwarded-proto': 'http',
        'x-forwarded-for': incoming.socket.remoteAddress,
      },
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    outgoing.once('error', (error) => refuse(response, error.message));
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, pass);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        agent.destroy();
        resolve();
      });
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, stop };
};
