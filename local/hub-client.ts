import { eventually } from './eventually.ts';

/** A JSON object whose form the caller does not state. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Any answer of the hub, refusals too. */
export type HubAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if it is JSON, else the text; `undefined` if empty. */
  readonly body: unknown;
};

/** A refusal of the hub (problem details). */
export class HubProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: JsonObject;

  constructor(request: string, answer: HubAnswer) {
    const isObject = typeof answer.body === 'object' && answer.body !== null;
    const problem = isObject ? (answer.body as JsonObject) : { detail: answer.body };
    super(`${request}: ${answer.status} ${JSON.stringify(problem)}`);
    this.name = 'HubProblem';
    this.status = answer.status;
    this.code = String(problem['code'] ?? '');
    this.problem = problem;
  }
}

/** An operation (long work) as the hub tells it. */
export type Operation = {
  readonly id: string;
  readonly kind: string;
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly result?: JsonObject;
  readonly fault?: JsonObject;
};

/** An event of the change feed; `Data` is the resource that it is about. */
export type FeedEvent<Data = JsonObject> = {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly origin: string;
  readonly subject: { readonly type: string; readonly id: string; readonly externalId?: string | null };
  readonly version: number;
  readonly data: Data;
};

type FeedPage<Data> = {
  readonly data: readonly FeedEvent<Data>[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
};

export type FollowOptions<Data> = {
  readonly cursor: string;
  /** As the query parameter: `email.*,alert.raised` [all]. */
  readonly types?: string;
  /** Follow until this holds for all events so far. */
  readonly until: (events: readonly FeedEvent<Data>[]) => boolean;
  /** What is waited for, for the error. */
  readonly what: string;
  /** The deadline [120]. */
  readonly seconds?: number;
};

export type RequestHeaders = Readonly<Record<string, string>>;

/** Speaks the hub's HTTP API with one key. `get`, `post`, … return the body and throw {@link HubProblem} on a refusal. */
export type HubClient = {
  /** The answer whatever its status. `path` begins after `/v1`. A string body goes as it is. */
  readonly request: (method: string, path: string, body?: unknown, headers?: RequestHeaders) => Promise<HubAnswer>;
  readonly get: <Body = JsonObject>(path: string) => Promise<Body>;
  readonly post: <Body = JsonObject>(path: string, body?: unknown, headers?: RequestHeaders) => Promise<Body>;
  readonly put: <Body = JsonObject>(path: string, body: unknown, headers?: RequestHeaders) => Promise<Body>;
  readonly patch: <Body = JsonObject>(path: string, body: unknown, headers?: RequestHeaders) => Promise<Body>;
  readonly delete: (path: string, headers?: RequestHeaders) => Promise<void>;
  /** Waits until the operation has ended, however [deadline 300 s]. */
  readonly waitForOperation: (id: string, seconds?: number) => Promise<Operation>;
  /** Reads the feed until `until` holds; the events and the cursor after them. */
  readonly followFeed: <Data = JsonObject>(
    options: FollowOptions<Data>,
  ) => Promise<{ readonly events: readonly FeedEvent<Data>[]; readonly cursor: string }>;
  /** The same hub with another key. */
  readonly withKey: (key: string) => HubClient;
};

const longPollSeconds = 20;

const readBody = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  if (text === '') return undefined;
  return /\bjson\b/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text;
};

/** @param key an operator key or an API key; none for what needs none. */
export const createHubClient = (hubUrl: string, key?: string): HubClient => {
  const request: HubClient['request'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${hubUrl}/v1${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await readBody(response) };
  };
  const succeed = async <Body>(
    method: string,
    path: string,
    body?: unknown,
    headers?: RequestHeaders,
  ): Promise<Body> => {
    const answer = await request(method, path, body, headers);
    if (answer.status >= 300) throw new HubProblem(`${method} ${path}`, answer);
    return answer.body as Body;
  };
  const waitForOperation: HubClient['waitForOperation'] = (id, seconds = 300) =>
    eventually(
      async () => {
        const operation = await succeed<Operation>('GET', `/operations/${id}?wait=${longPollSeconds}`);
        return operation.status === 'queued' || operation.status === 'running' ? undefined : operation;
      },
      { what: `operation ${id} has ended`, seconds },
    );
  const followFeed = async <Data>({ cursor, types, until, what, seconds = 120 }: FollowOptions<Data>) => {
    const events: FeedEvent<Data>[] = [];
    let next = cursor;
    const filter = types === undefined ? '' : `&types=${encodeURIComponent(types)}`;
    const deadline = Date.now() + seconds * 1000;
    return await eventually(
      async () => {
        const wait = Math.max(0, Math.min(longPollSeconds, Math.ceil((deadline - Date.now()) / 1000)));
        const path = `/feed?cursor=${encodeURIComponent(next)}&wait=${wait}${filter}`;
        const page = await succeed<FeedPage<Data>>('GET', path);
        events.push(...page.data);
        next = page.nextCursor;
        return until(events) ? { events, cursor: next } : undefined;
      },
      { what: () => `${what}; the feed had ${events.map(({ type }) => type).join(', ') || 'nothing'}`, seconds },
    );
  };
  return {
    request,
    get: (path) => succeed('GET', path),
    post: (path, body, headers) => succeed('POST', path, body, headers),
    put: (path, body, headers) => succeed('PUT', path, body, headers),
    patch: (path, body, headers) => succeed('PATCH', path, body, headers),
    delete: (path, headers) => succeed('DELETE', path, undefined, headers),
    waitForOperation,
    followFeed,
    withKey: (other) => createHubClient(hubUrl, other),
  };
};
