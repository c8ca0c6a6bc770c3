import { type IncomingMessage, Agent as PlainAgent, request as requestPlain } from 'node:http';
import { type RequestOptions, request as requestSecure, Agent as SecureAgent } from 'node:https';
import { isIP } from 'node:net';
import type { Dialler } from '../connection.ts';
import type { HostPolicy } from '../host-policy.ts';
import { TransportError } from '../transport-error.ts';
import { httpFailure } from './dialled-fetch.ts';

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/**
 * Posts to one endpoint, one request after the other over one connection that is kept for the next. What counts of an
 * answer is its status: its body is not read, and a redirect is an answer like any other.
 */
export interface DialledPost {
  /** @throws TransportError */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<PostAnswer>;
  /** Nothing stays open behind it. */
  close(): void;
}

export interface DialledPostOptions {
  readonly dialler: Dialler;
  readonly hostPolicy: HostPolicy;
  /** From the name's resolution to the head of the answer. */
  readonly timeoutSeconds: number;
}

// An answer that has not ended by then costs the connection and nothing else.
const drainMilliseconds = 1_000;
const drainBytes = 65_536;

/** Waits for the end of what is not read, so that the connection can be used again. */
const drain = (answer: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    let length = 0;
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => answer.destroy(), drainMilliseconds);
    answer.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > drainBytes) answer.destroy();
    });
    answer.on('error', () => undefined);
    answer.once('close', end);
    answer.once('end', end);
  });

const isStale = (error: unknown): boolean =>
  ['ECONNRESET', 'EPIPE'].includes(String((error as { readonly code?: unknown } | null)?.code));

export const createDialledPost = ({ dialler, hostPolicy, timeoutSeconds }: DialledPostOptions): DialledPost => {
  const agentOptions = { keepAlive: true, maxSockets: 1 };
  const agents = { secure: new SecureAgent(agentOptions), plain: new PlainAgent(agentOptions) };

  const exchange = async (secure: boolean, options: RequestOptions, body: string, milliseconds: number) => {
    const sent = (secure ? requestSecure : requestPlain)({ ...options, agent: secure ? agents.secure : agents.plain });
    const timer = setTimeout(() => {
      const detail = `The endpoint did not answer within ${timeoutSeconds} s`;
      sent.destroy(new TransportError('timedOut', { class: 'transient', level: 'profile', detail }));
    }, milliseconds);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.once('response', resolve);
    sent.on('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
    sent.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    post: async (text, headers, body) => {
      const url = new URL(text);
      const secure = url.protocol === 'https:';
      const endsAt = Date.now() + timeoutSeconds * 1000;
      const { address, serverName } = await dialler.resolve(url.hostname.replace(/^\[|\]$/g, ''), timeoutSeconds);
      if (!secure && !hostPolicy.opens(address))
        throw new TransportError('hostNotAllowed', {
          class: 'permanent',
          level: 'profile',
          detail: `${url.host} may be reached by https only`,
          fix: 'Give the endpoint an https URL',
        });
      const options: RequestOptions = {
        host: address,
        port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: {
          accept: '*/*',
          'user-agent': 'Mailbox-Sync',
          ...headers,
          host: url.host,
          'content-length': Buffer.byteLength(body),
        },
        // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address.
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      };
      const attempt = () => exchange(secure, options, body, Math.max(1, endsAt - Date.now()));
      try {
        const answer = await attempt().catch((error: unknown) => {
          // The endpoint had closed the kept connection before it could see the request.
          if (isStale(error) && (error as { readonly reused?: boolean }).reused === true) return attempt();
          throw error;
        });
        await drain(answer);
        const { statusCode = 0, headers: answered } = answer;
        return { status: statusCode, retryAfter: answered['retry-after'] };
      } catch (error) {
        throw httpFailure(url.host, error);
      }
    },
    close: () => {
      agents.secure.destroy();
      agents.plain.destroy();
    },
  };
};
