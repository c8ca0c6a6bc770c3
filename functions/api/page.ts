import * as z from 'zod';
import type { Entity, EntityKind, EntityStore } from '../../shared/platform/entity-store.ts';
import { isExpired } from '../../shared/platform/expiry.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { fingerprint } from '../../shared/platform/identifier.ts';
import { canGoOnAfter } from '../../shared/platform/key-limits.ts';
import { partition } from '../../shared/platform/records-table.ts';

/** The query parameters of every list; spread into a list's own strict query schema. */
export const pageQueryShape = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(6000).optional(),
};

export const pageSchema = (item: z.ZodType) => z.object({ data: z.array(item), nextCursor: z.string().nullable() });

const cursorSchema = z.object({
  /** Fingerprint of the filters that the walk began with. */
  f: z.string(),
  /** When it was given out; it is good for 24 h. */
  t: z.number(),
  /** Identifier of the last item given out. */
  id: z.string().min(1).max(1000),
});

const indexAttributes = {
  byMailbox: 'mailboxKey',
  byRegarding: 'regardingKey',
  byConversation: 'conversationKey',
} as const;

const cursorLifetimeMilliseconds = 86_400_000;
// An answer of a function may have 6 MB.
const answerBytes = 4 * 1024 * 1024;
// A sparse filter may match little: a page is given up after this many items, with a cursor to go on.
const scannedPerAnswer = 2_000;

const refuseCursor = (detail: string): never => {
  throw new FaultError('invalidRequest', {
    detail,
    errors: [{ pointer: '#/query/cursor', code: 'invalidCursor', detail }],
  });
};

interface KeyRange {
  readonly from?: string;
  readonly to?: string;
}

/** The identifier after which the walk goes on. @throws FaultError invalidRequest */
const decodeCursor = (text: string, filters: string, now: Date, range: KeyRange = {}): string => {
  let decoded: z.output<typeof cursorSchema> | undefined;
  try {
    decoded = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    return refuseCursor('The cursor is not one that this list gave out');
  }
  if (!canGoOnAfter(decoded.id, range)) return refuseCursor('The cursor is not one that this list gave out');
  if (decoded.f !== filters) return refuseCursor('The cursor belongs to other filters');
  if (now.getTime() - decoded.t > cursorLifetimeMilliseconds) return refuseCursor('The cursor is older than 24 hours');
  return decoded.id;
};

const encodeCursor = (filters: string, id: string, now: Date): string =>
  Buffer.from(JSON.stringify({ f: filters, t: now.getTime(), id })).toString('base64url');

const fingerprintFilters = (kind: string, organizationId: string, filters: Readonly<Record<string, unknown>>): string =>
  fingerprint(kind, organizationId, JSON.stringify(filters));

/**
 * One page of items that were found otherwise than by a key range, newest first; with `ascending` in the order of their
 * identifiers. Options as of listEntities.
 */
export const listFound = <Item extends { readonly id: string }>(options: {
  readonly kind: { readonly kind: string };
  readonly organizationId: string;
  readonly found: readonly Item[];
  readonly query: { readonly limit: number; readonly cursor?: string | undefined };
  readonly filters: Readonly<Record<string, unknown>>;
  readonly present: (item: Item) => unknown;
  readonly now: Date;
  readonly ascending?: boolean;
}): { data: unknown[]; nextCursor: string | null } => {
  const filters = fingerprintFilters(options.kind.kind, options.organizationId, options.filters);
  const { limit, cursor } = options.query;
  const after = cursor === undefined ? undefined : decodeCursor(cursor, filters, options.now);
  const direction = options.ascending === true ? 1 : -1;
  const compare = (one: string, other: string): number => (one === other ? 0 : one < other ? -direction : direction);
  const rest = options.found
    .filter(({ id }) => after === undefined || compare(id, after) > 0)
    .toSorted((one, other) => compare(one.id, other.id));
  const given = rest.slice(0, limit);
  const last = given.at(-1);
  return {
    data: given.map(options.present),
    nextCursor: last === undefined || rest.length <= limit ? null : encodeCursor(filters, last.id, options.now),
  };
};

/**
 * One page of a list, newest first unless `ascending`. `filters`: everything of the query but limit and cursor, to
 * which the cursor is bound. `matches` narrows what the key range cannot express.
 */
export const listEntities = async <Item extends Entity>(options: {
  readonly store: EntityStore;
  readonly kind: EntityKind<Item>;
  readonly organizationId: string;
  readonly query: { readonly limit: number; readonly cursor?: string | undefined };
  readonly filters: Readonly<Record<string, unknown>>;
  readonly matches?: (item: Item) => boolean | Promise<boolean>;
  readonly present: (item: Item) => unknown | Promise<unknown>;
  readonly now: Date;
  readonly from?: string;
  readonly to?: string;
  readonly ascending?: boolean;
  readonly index?: { readonly name: 'byMailbox' | 'byRegarding' | 'byConversation'; readonly key: string };
}): Promise<{ data: unknown[]; nextCursor: string | null }> => {
  const filters = fingerprintFilters(options.kind.kind, options.organizationId, options.filters);
  const { limit, cursor } = options.query;
  const positionOf = (id: string): Record<string, unknown> => ({
    pk: partition(options.organizationId, options.kind.kind),
    sk: id,
    ...(options.index === undefined ? {} : { [indexAttributes[options.index.name]]: options.index.key }),
  });
  let after = cursor === undefined ? undefined : positionOf(decodeCursor(cursor, filters, options.now, options));
  const found: Item[] = [];
  let last: string | undefined;
  let scanned = 0;
  do {
    const page = await options.store.list(options.kind, options.organizationId, {
      limit: options.matches === undefined ? limit - found.length : Math.max(limit - found.length, 25),
      after,
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.to === undefined ? {} : { to: options.to }),
      ...(options.ascending === undefined ? {} : { ascending: options.ascending }),
      ...(options.index === undefined ? {} : { index: options.index }),
    });
    scanned += page.items.length;
    after = page.after === undefined ? undefined : { ...page.after };
    const { matches } = options;
    const fits = matches === undefined ? undefined : await Promise.all(page.items.map(matches));
    for (const [index, item] of page.items.entries()) {
      // An index may list an item twice, one right after the other: as itself and as another's.
      if (item.id === last) continue;
      if (found.length === limit) {
        after ??= positionOf(item.id);
        break;
      }
      last = item.id;
      if (!isExpired(item, options.now) && (fits?.[index] ?? true)) found.push(item);
    }
  } while (after !== undefined && found.length < limit && scanned < scannedPerAnswer);
  const data: unknown[] = [];
  let bytes = 0;
  let given: string | undefined;
  for (const item of found) {
    const presented = await options.present(item);
    bytes += Buffer.byteLength(JSON.stringify(presented) ?? '');
    if (data.length > 0 && bytes > answerBytes) {
      last = given;
      after ??= positionOf(item.id);
      break;
    }
    given = item.id;
    if (presented !== undefined) data.push(presented);
  }
  return {
    data,
    nextCursor: after === undefined || last === undefined ? null : encodeCursor(filters, last, options.now),
  };
};
