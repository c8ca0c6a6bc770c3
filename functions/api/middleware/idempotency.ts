import { FaultError, type FaultPointer } from '../../../shared/platform/fault.ts';
import { fingerprint } from '../../../shared/platform/identifier.ts';
import {
  type RecordKey,
  type RecordsTable,
  recordKey,
  WriteConditionError,
} from '../../../shared/platform/records-table.ts';
import type { ApiRequest } from '../request.ts';
import type { RouteAnswer } from '../route.ts';

/**
 * Answers to POSTs that carry an Idempotency-Key. The first request claims the key, its 2xx answer is kept for 24
 * hours, and a repeat gets that answer. The claim of a request that ended without an answer lapses, so that a repeat is
 * carried out again; what it creates then has the identifiers of the first try (see `identifierSeed`).
 */
export interface Claim {
  /** When the key was first used: with the seed it names what the request creates, the same at every try. */
  readonly startedAt: number;
  readonly identifierSeed: string;
  /** Keeps the answer, but for the fields that are shown once. */
  readonly remember: (answer: RouteAnswer, shownOnce: readonly string[]) => Promise<void>;
  /** Gives the key free: the request failed and may be repeated with another outcome. */
  readonly release: () => Promise<void>;
}

const keptSeconds = 86_400;
// Longer than any request can take: API Gateway gives up after 30 s, the function ends before.
const claimMilliseconds = 35_000;
const retryAfterSeconds = '1';
// An item holds at most 400 KB; a longer answer continues in further items.
const partBytes = 300_000;

/** @throws FaultError invalidRequest */
export const readIdempotencyKey = ({ method, headers }: ApiRequest): string | undefined => {
  const key = method === 'POST' ? headers['idempotency-key'] : undefined;
  if (key === undefined || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const detail = 'Idempotency-Key takes 1 to 255 printable ASCII characters';
  const errors: FaultPointer[] = [{ pointer: '#/header/Idempotency-Key', code: 'invalidFormat', detail }];
  throw new FaultError('invalidRequest', { detail, errors });
};

/** What is shown once is not even kept: whatever is called a secret, and what the route names. */
const withoutSecrets = (body: unknown, shownOnce: readonly string[]): unknown => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const present = ['secret', ...shownOnce].filter((field) => Object.hasOwn(body, field));
  return { ...body, ...Object.fromEntries(present.map((field) => [field, null])) };
};

export class IdempotencyKeys {
  readonly #table: RecordsTable;
  readonly #now: () => Date;

  constructor(table: RecordsTable, now: () => Date) {
    this.#table = table;
    this.#now = now;
  }

  /**
   * Claims the key for this request, or answers with what the first request was answered.
   *
   * @throws FaultError requestInProgress, idempotencyKeyReused
   */
  async claim(scope: string, key: string, request: ApiRequest, requestId: string): Promise<Claim | RouteAnswer> {
    const place = recordKey(scope, 'idempotency', key);
    const now = this.#now();
    const asked = fingerprint(
      request.method,
      request.segments.join('/'),
      request.query.toString(),
      request.body.toString('base64'),
    );
    const claimed = {
      ...place,
      v: 1,
      kind: 'idempotency',
      organizationId: scope,
      request: asked,
      owner: requestId,
      startedAt: now.getTime(),
      claimedUntil: now.getTime() + claimMilliseconds,
      expiresAt: Math.ceil(now.getTime() / 1000) + keptSeconds,
    };
    try {
      await this.#table.write([
        {
          put: claimed,
          // The table may drop expired items days late.
          condition: {
            expression: 'attribute_not_exists(pk) OR expiresAt <= :now',
            values: { ':now': Math.floor(now.getTime() / 1000) },
          },
        },
      ]);
      return this.#claimOf(place, claimed);
    } catch (error) {
      if (!(error instanceof WriteConditionError)) throw error;
    }
    const first = await this.#table.get(place);
    if (first === undefined) throw this.#inProgress();
    if (first['request'] !== asked) throw new FaultError('idempotencyKeyReused');
    if (typeof first['status'] === 'number') return this.#replay(place, first['status'], first);
    if (Number(first['claimedUntil']) > now.getTime()) throw this.#inProgress();
    const taken = { ...claimed, startedAt: Number(first['startedAt']), expiresAt: first['expiresAt'] };
    try {
      await this.#table.write([
        {
          put: taken,
          condition: {
            expression: '#owner = :dead',
            names: { '#owner': 'owner' },
            values: { ':dead': first['owner'] },
          },
        },
      ]);
    } catch (error) {
      throw error instanceof WriteConditionError ? this.#inProgress() : error;
    }
    return this.#claimOf(place, taken);
  }

  #inProgress(): FaultError {
    return new FaultError('requestInProgress', { headers: { 'retry-after': retryAfterSeconds } });
  }

  #claimOf(
    place: RecordKey,
    claimed: { readonly owner: string; readonly startedAt: number; readonly expiresAt: unknown },
  ): Claim {
    const mine = {
      condition: '#owner = :owner AND attribute_not_exists(#status)',
      names: { '#owner': 'owner', '#status': 'status' },
      values: { ':owner': claimed.owner },
    };
    return {
      startedAt: claimed.startedAt,
      identifierSeed: `${place.pk}#${place.sk}`,
      remember: async ({ status, headers, body }, shownOnce) => {
        const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(withoutSecrets(body, shownOnce)));
        const parts = Math.ceil(bytes.length / partBytes);
        for (let part = 1; part < parts; part += 1)
          await this.#table.write([
            {
              put: {
                ...this.#partPlace(place, part),
                v: 1,
                kind: 'idempotencyPart',
                body: bytes.subarray(part * partBytes, (part + 1) * partBytes),
                expiresAt: claimed.expiresAt,
              },
            },
          ]);
        await this.#table.write([
          {
            update: place,
            expression: 'SET #status = :status, #headers = :headers, #body = :body, #parts = :parts',
            names: { ...mine.names, '#headers': 'headers', '#body': 'body', '#parts': 'parts' },
            values: {
              ...mine.values,
              ':status': status,
              ':headers': headers ?? {},
              ':body': bytes.subarray(0, partBytes),
              ':parts': parts,
            },
            condition: mine.condition,
          },
        ]);
      },
      release: async () => {
        await this.#table.write([
          { remove: place, condition: { expression: mine.condition, names: mine.names, values: mine.values } },
        ]);
      },
    };
  }

  #partPlace(place: RecordKey, part: number): RecordKey {
    return { pk: place.pk.replace(/#idempotency$/, '#idempotencyPart'), sk: `${place.sk}#${part}` };
  }

  async #replay(place: RecordKey, status: number, first: Readonly<Record<string, unknown>>): Promise<RouteAnswer> {
    const stored = [first['body']];
    for (let part = 1; part < Number(first['parts']); part += 1)
      stored.push((await this.#table.get(this.#partPlace(place, part)))?.['body']);
    const text = Buffer.concat(stored.map((bytes) => (bytes instanceof Uint8Array ? bytes : Buffer.of()))).toString();
    return {
      status,
      headers: { ...(first['headers'] as Record<string, string>), 'idempotent-replayed': 'true' },
      ...(text === '' ? {} : { body: JSON.parse(text) as unknown }),
    };
  }
}
