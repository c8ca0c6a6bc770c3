import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A request as the steps before a route see it. */
export interface ApiRequest {
  readonly method: string;
  /** Of the path, decoded; whichever way an externalId was written, it stands as `ext:<externalId>`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/**
 * Decodes what is percent-encoded and leaves anything else as it is. API Gateway hands an HTTP API's path on decoded;
 * where it keeps `%25`, each `%` that still starts an escape was an escape of the caller's. A lone `%` cannot be one.
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
 * `ext64:<externalId in Base64url>` means `ext:<externalId>`. API Gateway decodes the path of an HTTP API twice, refuses
 * a `%` that is left after the first time, and cuts the path off at a `?`: `ext:a%3Fb` arrives as `ext:a`, which may be
 * another resource. What consists of letters and digits comes through whatever a gateway does.
 */
const readEncodedId = (segment: string): string => {
  const [, encoded] = /^ext64:([\w-]+)={0,2}$/.exec(segment) ?? [];
  if (encoded === undefined) return segment;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64url'));
    return `ext:${text}`;
  } catch {
    // No text; it then names nothing.
    return segment;
  }
};

/**
 * Reads an HTTP API event (payload format 2.0). The path is taken from `rawPath`, not from path parameters: the API has
 * one route for everything, and knows none.
 */
export const readRequest = (event: APIGatewayProxyEventV2): ApiRequest => ({
  method: event.requestContext.http.method.toUpperCase(),
  segments: event.rawPath.split('/').slice(1).map(decodeSegment).map(readEncodedId),
  query: new URLSearchParams(event.rawQueryString),
  headers: Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
});
