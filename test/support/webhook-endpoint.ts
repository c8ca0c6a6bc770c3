import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Certificates } from '../../local/certificates.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';

/** A request as the endpoint got it. */
export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
  /** Which one of the connections since it started it came by. */
  readonly connection: number;
}

/** What the endpoint answers; `hang`: never. */
export type EndpointAnswer = 'hang' | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

export type WebhookEndpoint = {
  readonly url: (path: string) => string;
  /** The requests to a path, in their order. */
  readonly posted: (path: string) => readonly Posted[];
  /** From now on that path answers so; 204 unless told. */
  readonly answer: (path: string, answer: (posted: Posted) => EndpointAnswer) => void;
  readonly stop: () => Promise<void>;
};

/** A real HTTPS server on a loopback port (HTTP without certificates), which keeps what is posted to it. */
export const startWebhookEndpoint = async (certificates?: Certificates): Promise<WebhookEndpoint> => {
  const posted: Posted[] = [];
  const answers = new Map<string, (posted: Posted) => EndpointAnswer>();
  const connections = new WeakMap<Socket, number>();
  let connectionCount = 0;
  const server: Server =
    certificates === undefined
      ? createPlainServer()
      : createSecureServer({
          cert: await readFile(certificates.certificateFile),
          key: await readFile(certificates.keyFile),
        });
  server.on(certificates === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    connectionCount += 1;
    connections.set(socket, connectionCount);
  });
  server.on('request', (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined);
    request.on('end', () => {
      const path = request.url ?? '';
      const body = Buffer.concat(pieces).toString();
      const connection = connections.get(request.socket) ?? 0;
      const one = { path, headers: request.headers, body, at: Date.now(), connection };
      posted.push(one);
      const answer = answers.get(path)?.(one) ?? { status: 204 };
      if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end();
    });
  });
  const port = await listenOnLoopback(server);
  const scheme = certificates === undefined ? 'http' : 'https';
  return {
    url: (path) => `${scheme}://localhost:${port}${path}`,
    posted: (path) => posted.filter((one) => one.path === path),
    answer: (path, answer) => {
      answers.set(path, answer);
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
