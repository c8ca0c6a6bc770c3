import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A request as the steps before a route see it. */
export interface ApiRequest {
  readonly method: string;
  /** Of the path, decoded once. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** By name; of those that came twice the first. */
  readonly cookies: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * Decodes what is percent-encoded and leaves anything else as it is. API Gateway hands an HTTP API's path on decoded
 * but for `%25`, so that each `%` that still starts an escape was an escape of the caller's; a lone `%` cannot be one.
 */
const decodeSegment = (segment: string): string =>
  segment.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });

/** API Gateway takes the cookies out of the headers and hands them on as `name=value` each; emulators leave them there. */
const readCookies = ({ cookies = [], headers }: APIGatewayProxyEventV2): ReadonlyMap<string, string> => {
  const pairs = [...cookies, ...(headers['cookie'] ?? '').split(';')].map((text) => text.trim());
  const found = new Map<string, string>();
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    if (split > 0 && !found.has(pair.slice(0, split))) found.set(pair.slice(0, split), pair.slice(split + 1));
  }
  return found;
};

/**
 * Reads an HTTP API event (payload format 2.0). The path is taken from `rawPath`, not from path parameters: the API has
 * one route for everything, and knows none.
 */
export const readRequest = (event: APIGatewayProxyEventV2): ApiRequest => ({
  method: event.requestContext.http.method.toUpperCase(),
  segments: event.rawPath.split('/').slice(1).map(decodeSegment),
  query: new URLSearchParams(event.rawQueryString),
  headers: Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value])),
  cookies: readCookies(event),
  body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
});
