import { type ClientRequest, request as requestPlain } from 'node:http';
import { type RequestOptions, request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import type { Dialler } from '../connection.ts';
import { readTrust } from '../read-trust.ts';
import { handshakeFailed, untrustedCertificate } from '../tls-failures.ts';
import { TransportError } from '../transport-error.ts';

export interface DialledFetchOptions {
  readonly dialler: Dialler;
  /** PEM text of further certificate authorities to trust. */
  readonly caCertificates: string | null;
  /** For the whole exchange, from the name's resolution to the answer's last byte. */
  readonly timeoutSeconds: number;
  /** A longer answer is refused. */
  readonly limitBytes: number;
  /** What a URL without a port means [443 and 80]. */
  readonly ports?: { readonly secure: number; readonly plain: number };
}

export interface FetchRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | URLSearchParams | undefined;
}

/** One exchange over HTTP or HTTPS. Redirects are answers like any other. @throws TransportError */
export type DialledFetch = (url: string, request?: FetchRequest) => Promise<Response>;

/** What kept an exchange from an answer. */
export const httpFailure = (host: string, error: unknown): TransportError => {
  if (error instanceof TransportError) return error;
  const { code = '', message = String(error) } = error as { readonly code?: string; readonly message?: string };
  const common = { class: 'transient', level: 'profile', error } as const;
  if (untrustedCertificate.test(code))
    return new TransportError('tlsUntrusted', {
      ...common,
      class: 'permanent',
      // What follows is advice for those who start the process.
      detail: `${host}: ${message.split(';')[0] ?? message}`,
    });
  if (handshakeFailed.test(code))
    return new TransportError('connectFailed', { ...common, detail: `TLS with ${host} failed: ${message}` });
  return new TransportError('connectFailed', { ...common, detail: `${host}: ${message}` });
};

/** Statuses whose answers have no body (Fetch standard, null body status). */
const withoutBody = new Set([101, 103, 204, 205, 304]);

const exchange = (
  secure: boolean,
  options: RequestOptions,
  body: string | undefined,
  limitBytes: number,
): { readonly sent: ClientRequest; readonly answer: Promise<Response> } => {
  const sent = (secure ? requestSecure : requestPlain)(options);
  const answer = new Promise<Response>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (message) => {
      const pieces: Buffer[] = [];
      let length = 0;
      message.once('error', reject);
      message.on('data', (piece: Buffer) => {
        length += piece.length;
        if (length > limitBytes) sent.destroy(new Error(`The answer is longer than ${limitBytes} bytes`));
        else pieces.push(piece);
      });
      message.once('end', () => {
        const status = message.statusCode ?? 0;
        if (status < 200 || status > 599) return reject(new Error(`The status ${status} is none of HTTP`));
        const headers = new Headers();
        for (let index = 0; index + 1 < message.rawHeaders.length; index += 2)
          headers.append(String(message.rawHeaders[index]), String(message.rawHeaders[index + 1]));
        resolve(new Response(withoutBody.has(status) ? null : Buffer.concat(pieces), { status, headers }));
      });
    });
  });
  sent.end(body);
  return { sent, answer };
};

/** Fetches through the dialler: the address that it allowed is the one that is connected to. */
export const createDialledFetch = (options: DialledFetchOptions): DialledFetch => {
  const { dialler, timeoutSeconds, limitBytes, ports = { secure: 443, plain: 80 } } = options;
  return async (text, { method = 'GET', headers = {}, body } = {}) => {
    const url = new URL(text);
    const secure = url.protocol === 'https:';
    if (!secure && url.protocol !== 'http:') throw new Error(`${url.protocol} is not spoken here`);
    const endsAt = Date.now() + timeoutSeconds * 1000;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const { address, serverName } = await dialler.resolve(host, timeoutSeconds);
    const secureContext = readTrust(options.caCertificates);
    let sent: ClientRequest | undefined;
    const timer = setTimeout(
      () => {
        const detail = `${url.host} did not answer within ${timeoutSeconds} s`;
        sent?.destroy(new TransportError('timedOut', { class: 'transient', level: 'profile', detail }));
      },
      Math.max(0, endsAt - Date.now()),
    );
    try {
      const started = exchange(
        secure,
        {
          agent: false,
          host: address,
          port: url.port === '' ? (secure ? ports.secure : ports.plain) : Number(url.port),
          path: `${url.pathname}${url.search}`,
          method,
          headers: {
            accept: '*/*',
            'user-agent': 'Mailbox-Sync',
            ...headers,
            ...(body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
            host: url.host,
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(String(body)) }),
          },
          // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address.
          ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
          ...(secureContext === undefined ? {} : { secureContext }),
        },
        body === undefined ? undefined : String(body),
        limitBytes,
      );
      sent = started.sent;
      return await started.answer;
    } catch (error) {
      throw httpFailure(url.host, error);
    } finally {
      clearTimeout(timer);
      sent?.destroy();
    }
  };
};
