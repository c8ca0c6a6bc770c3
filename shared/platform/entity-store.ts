import type { Change } from './change.ts';
import { rememberExpiry } from './expiry.ts';
import { FaultError } from './fault.ts';
import type { IdentifierPrefix } from './identifier.ts';
import { keepUnknownFields, rememberStored } from './keep-unknown-fields.ts';
import type { RecordKind } from './record-kinds.ts';
import {
  partition,
  type RecordKey,
  type RecordsTable,
  type RecordWrite,
  recordKey,
  type StoredItem,
  WriteConditionError,
} from './records-table.ts';

/** What every resource has. Times are ISO instants. */
export interface Entity {
  readonly id: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly externalId?: string | null | undefined;
}

/** A kind of resource: how its items are named, keyed and read back. */
export interface EntityKind<Item extends Entity> {
  /** Part of the partition key, e.g. `email`. */
  readonly kind: RecordKind;
  readonly prefix: IdentifierPrefix;
  /** Scope of externalId and of `ext:` addressing; the kind itself unless kinds share a scope. */
  readonly externalScope?: (entity: Item) => string;
  /** Checks what comes from the table (a zod schema's parse, which also lifts older forms). */
  readonly parse: (stored: unknown) => Item;
  /**
   * A figure that changes without the version (a client's If-Match should not fail for it), as an attribute and its
   * value: whoever writes the entity anew must have seen it, or would put the old one back.
   */
  readonly figure?: (entity: Item) => { readonly attribute: string; readonly value: unknown } | undefined;
  /** Keys of the sparse indexes that list this entity. */
  readonly indexes?: (
    organizationId: string,
    entity: Item,
  ) => { readonly mailboxKey?: string; readonly regardingKey?: string; readonly conversationKey?: string };
}

/** What a write says to the feed and what else must be written with it, all or nothing. */
export interface WriteAlso {
  readonly changes?: readonly Change[];
  readonly also?: readonly RecordWrite[];
  /** Epoch seconds after which the table may drop the item. */
  readonly expiresAt?: number;
  /** Further attributes of the stored item that are not part of the entity (e.g. messages to repeat from the stream). */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** What becomes of an item that stands. */
export interface EntityChange<Item> extends WriteAlso {
  readonly next: Item;
  /** Only figures change, of which clients do not keep track. The kind needs a `figure` that this change moves. */
  readonly keepsVersion?: boolean;
}

export interface EntityPage<Item> {
  readonly items: readonly Item[];
  readonly after: Readonly<Record<string, unknown>> | undefined;
}

const externalPartition = 'externalId';

/** The pointer that makes an externalId unique and addressable. */
export const externalIdKey = (organizationId: string, scope: string, externalId: string): RecordKey =>
  recordKey(organizationId, externalPartition, `${scope}#${externalId}`);

const toItem = <Item extends Entity>(
  kind: EntityKind<Item>,
  organizationId: string,
  entity: Item,
  also: WriteAlso,
): StoredItem => ({
  ...recordKey(organizationId, kind.kind, entity.id),
  v: 1,
  kind: kind.kind,
  organizationId,
  ...kind.indexes?.(organizationId, entity),
  ...(also.changes !== undefined && also.changes.length > 0 ? { published: 'yes', emits: also.changes } : {}),
  ...(also.expiresAt === undefined ? {} : { expiresAt: also.expiresAt }),
  ...also.attributes,
  entity,
});

/** Reads the entity out of a stored item. */
export const fromItem = <Item extends Entity>(kind: EntityKind<Item>, item: StoredItem): Item =>
  rememberExpiry(rememberStored(kind.parse(item['entity']), item['entity']), item);

/** That the entity stands as it was read. */
const standsAs = <Item extends Entity>(kind: EntityKind<Item>, previous: Item | undefined) => {
  if (previous === undefined) return { expression: 'attribute_not_exists(pk)' };
  const figure = kind.figure?.(previous);
  return {
    expression: `entity.version = :version${figure === undefined ? '' : ` AND ${figure.attribute} = :figure`}`,
    values: { ':version': previous.version, ...(figure === undefined ? {} : { ':figure': figure.value }) },
  };
};

const pointerWrites = <Item extends Entity>(
  kind: EntityKind<Item>,
  organizationId: string,
  previous: Item | undefined,
  next: Item | undefined,
): RecordWrite[] => {
  const keyOf = (entity: Item | undefined): RecordKey | undefined =>
    entity?.externalId == null
      ? undefined
      : externalIdKey(organizationId, kind.externalScope?.(entity) ?? kind.kind, entity.externalId);
  const before = keyOf(previous);
  const after = keyOf(next);
  if (before?.sk === after?.sk) return [];
  return [
    ...(after === undefined || next === undefined
      ? []
      : [
          {
            put: { ...after, v: 1, id: next.id },
            condition: { expression: 'attribute_not_exists(pk) OR id = :id', values: { ':id': next.id } },
          },
        ]),
    ...(before === undefined ? [] : [{ remove: before }]),
  ];
};

/** Loads, creates, changes, removes and lists resources of any kind, with versions, externalIds and events. */
export class EntityStore {
  readonly table: RecordsTable;

  constructor(table: RecordsTable) {
    this.table = table;
  }

  /** Strongly consistent unless `eventual` is asked for, at half the price. */
  async get<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    id: string,
    consistency?: 'eventual',
  ): Promise<Item | undefined> {
    const item = await this.table.get(recordKey(organizationId, kind.kind, id), consistency);
    return item === undefined ? undefined : fromItem(kind, item);
  }

  /** The identifier that an externalId stands for; `scope` is the kind unless the kind says otherwise. */
  async findByExternalId(organizationId: string, scope: string, externalId: string): Promise<string | undefined> {
    const pointer = await this.table.get(externalIdKey(organizationId, scope, externalId));
    return pointer === undefined ? undefined : String(pointer['id']);
  }

  /** @throws FaultError externalIdTaken; WriteConditionError when a condition in `also` fails or the id exists. */
  async create<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    entity: Item,
    also: WriteAlso = {},
  ): Promise<Item> {
    await this.#write(kind, organizationId, undefined, entity, also);
    return entity;
  }

  /**
   * Changes an entity by a pure function of its present form; retried when another writer came between. The function
   * returns the new form without touching `version` and `updatedAt`, or undefined for "nothing changes", which writes
   * nothing and emits nothing.
   *
   * @throws FaultError notFound, versionMismatch (when `ifMatch` is not the present version), externalIdTaken
   */
  async update<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    id: string,
    change: (current: Item) => EntityChange<Item> | undefined | Promise<EntityChange<Item> | undefined>,
    options: { readonly now: () => Date; readonly ifMatch?: number | undefined },
  ): Promise<Item> {
    for (let attempt = 1; ; attempt += 1) {
      const current = await this.get(kind, organizationId, id);
      if (current === undefined) throw new FaultError('notFound');
      if (options.ifMatch !== undefined && options.ifMatch !== current.version) throw new FaultError('versionMismatch');
      const outcome = await change(current);
      if (outcome === undefined) return current;
      const { next: changed, keepsVersion = false, ...also } = outcome;
      const version = keepsVersion ? current.version : current.version + 1;
      const next = { ...changed, version, updatedAt: options.now().toISOString() };
      try {
        await this.#write(kind, organizationId, current, next, also);
        return next;
      } catch (error) {
        const raced = error instanceof WriteConditionError && error.failures[0] !== undefined;
        if (!raced || attempt === 10) throw error;
      }
    }
  }

  /** @throws FaultError notFound, versionMismatch */
  async remove<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    id: string,
    options: { readonly ifMatch?: number | undefined; readonly also?: readonly RecordWrite[] } = {},
  ): Promise<Item> {
    for (let attempt = 1; ; attempt += 1) {
      const current = await this.get(kind, organizationId, id);
      if (current === undefined) throw new FaultError('notFound');
      if (options.ifMatch !== undefined && options.ifMatch !== current.version) throw new FaultError('versionMismatch');
      try {
        await this.table.write([
          {
            remove: recordKey(organizationId, kind.kind, id),
            condition: {
              expression: 'entity.version = :version',
              values: { ':version': current.version },
            },
          },
          ...pointerWrites(kind, organizationId, current, undefined),
          ...(options.also ?? []),
        ]);
        return current;
      } catch (error) {
        const raced = error instanceof WriteConditionError && error.failures[0] !== undefined;
        if (!raced || attempt === 10) throw error;
      }
    }
  }

  /** One page of a kind, newest first unless `ascending`. With `index` the page is that index's partition. */
  async list<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    range: {
      readonly limit: number;
      readonly after?: Readonly<Record<string, unknown>> | undefined;
      readonly from?: string;
      readonly to?: string;
      readonly ascending?: boolean;
      readonly index?: { readonly name: 'byMailbox' | 'byRegarding' | 'byConversation'; readonly key: string };
    },
  ): Promise<EntityPage<Item>> {
    const page = await this.table.query({
      pk: range.index?.key ?? partition(organizationId, kind.kind),
      ...(range.index === undefined ? {} : { index: range.index.name }),
      ...(range.from === undefined ? {} : { from: range.from }),
      ...(range.to === undefined ? {} : { to: range.to }),
      ...(range.after === undefined ? {} : { after: range.after }),
      limit: range.limit,
      descending: range.ascending !== true,
    });
    return { items: page.items.map((item) => fromItem(kind, item)), after: page.after };
  }

  /**
   * The writes that put `next` in the place of `previous` (undefined: create it), for a transaction over several
   * resources. `next` carries its new version already. The first write is the resource's own.
   */
  writesOf<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    previous: Item | undefined,
    next: Item,
    also: WriteAlso = {},
  ): RecordWrite[] {
    return [
      {
        put: toItem(kind, organizationId, keepUnknownFields(previous, next), also),
        condition: standsAs(kind, previous),
      },
      ...pointerWrites(kind, organizationId, previous, next),
      ...(also.also ?? []),
    ];
  }

  async #write<Item extends Entity>(
    kind: EntityKind<Item>,
    organizationId: string,
    previous: Item | undefined,
    next: Item,
    also: WriteAlso,
  ): Promise<void> {
    const pointers = pointerWrites(kind, organizationId, previous, next);
    try {
      await this.table.write(this.writesOf(kind, organizationId, previous, next, also));
    } catch (error) {
      const taken =
        error instanceof WriteConditionError &&
        error.failures[0] === undefined &&
        pointers.some((_, index) => error.failures[index + 1] !== undefined);
      if (taken) throw new FaultError('externalIdTaken');
      throw error;
    }
  }
}
