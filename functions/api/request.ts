import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A request as the steps before a route see it. */
export interface ApiRequest {
  readonly method: string;
  /** Of the path, decoded once. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
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

/**
 * Reads an HTTP API event (payload format 2.0). The path is taken from `rawPath`, not from path parameters: the API has
 * one route for everything, and knows none.
 */
export const readRequest = (event: APIGatewayProxyEventV2): ApiRequest => ({
  method: event.requestContext.http.method.toUpperCase(),
  segments: event.rawPath.split('/').slice(1).map(decodeSegment),
  query: new URLSearchParams(event.rawQueryString),
  headers: Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
});
