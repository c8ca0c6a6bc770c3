import { organizationKind } from '../organization/organization.ts';
import { settingsSchema } from '../organization/settings.ts';
import { type Author, type Change, systemAuthor } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { type Fault, FaultError } from '../platform/fault.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { partition, type RecordWrite, recordKey, type StoredItem } from '../platform/records-table.ts';
import { transact } from '../platform/transact.ts';
import { type Alert, type AlertAction, alertKind } from './alert.ts';
import { actionsOn } from './alert-rules.ts';

export interface AlertCause {
  readonly organizationId: string;
  readonly level: Alert['level'];
  readonly scope: Alert['scope'];
  /** Gives the alert its code and words. */
  readonly fault: Fault;
  readonly subject: { readonly type: string; readonly id: string };
  /** The mailbox whose owner is concerned. */
  readonly mailboxId?: string | undefined;
  readonly now: Date;
  /** The system unless said otherwise. */
  readonly author?: Author;
}

const pointerKey = (organizationId: string, code: string, subjectId: string) =>
  recordKey(organizationId, 'alertOpen', `${code}#${subjectId}`);

/** The ids of the subjects about which an alert of this code may be open. */
export const listAlerted = async (
  { table }: Pick<EntityStore, 'table'>,
  organizationId: string,
  code: string,
): Promise<readonly string[]> => {
  const subjectIds: string[] = [];
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      pk: partition(organizationId, 'alertOpen'),
      prefix: `${code}#`,
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    subjectIds.push(...page.items.map(({ sk }) => String(sk).slice(`${code}#`.length)));
    after = page.after;
  } while (after !== undefined);
  return subjectIds;
};

const expiryAfter = (now: Date, days: number): number => Math.floor(now.getTime() / 1000) + days * 86_400;

const retentionDays = async (store: EntityStore, organizationId: string): Promise<number> =>
  ((await store.get(organizationKind, organizationId, organizationId))?.settings ?? settingsSchema.parse({})).alerts
    .retentionDays;

const findOpen = async (
  store: EntityStore,
  organizationId: string,
  pointer: StoredItem | undefined,
): Promise<Alert | undefined> => {
  if (pointer === undefined) return undefined;
  const item = await store.table.get(recordKey(organizationId, alertKind.kind, String(pointer['alertId'])));
  const alert = item === undefined ? undefined : fromItem(alertKind, item);
  return alert?.status === 'open' ? alert : undefined;
};

/**
 * The writes that raise the one open alert of a cause, to be written together with whatever gives the cause. They are
 * conditional on the alert as it stands now: when a condition fails, ask again.
 */
export const alertWrites = async (store: EntityStore, cause: AlertCause): Promise<RecordWrite[]> => {
  const { organizationId, fault, subject, now } = cause;
  const key = pointerKey(organizationId, fault.code, subject.id);
  const pointer = await store.table.get(key);
  const open = await findOpen(store, organizationId, pointer);
  const days = typeof pointer?.['days'] === 'number' ? pointer['days'] : await retentionDays(store, organizationId);
  const at = now.toISOString();
  const expiresAt = expiryAfter(now, days);
  const words = {
    level: cause.level,
    title: fault.title,
    detail: fault.detail,
    cause: fault.cause,
    fix: fault.fix,
    whoActs: fault.whoActs,
    actions: [...actionsOn(fault.code, subject.type, cause.level)],
  };
  if (open !== undefined && open.level === cause.level)
    // A repeat: figures only, so neither version nor feed move. The events of the first raise must not be told again.
    return [
      {
        update: recordKey(organizationId, alertKind.kind, open.id),
        expression:
          'SET entity.#count = entity.#count + :one, entity.lastAt = :at, entity.detail = :detail, ' +
          'entity.updatedAt = :at, expiresAt = :expiresAt REMOVE published, emits',
        names: { '#count': 'count', '#status': 'status' },
        values: { ':one': 1, ':at': at, ':detail': fault.detail, ':expiresAt': expiresAt, ':open': 'open' },
        condition: 'entity.#status = :open',
      },
      {
        update: key,
        expression: 'SET expiresAt = :expiresAt',
        values: { ':expiresAt': expiresAt, ':alertId': open.id },
        condition: 'alertId = :alertId',
      },
    ];
  const changes = [createChange('alert.raised', cause.author ?? systemAuthor, now)];
  if (open !== undefined)
    return store.writesOf(
      alertKind,
      organizationId,
      open,
      { ...open, ...words, count: open.count + 1, lastAt: at, updatedAt: at, version: open.version + 1 },
      { changes, expiresAt },
    );
  const alert: Alert = {
    id: createIdentifier(alertKind.prefix, now.getTime()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    ...words,
    scope: cause.scope,
    code: fault.code,
    subject: { type: subject.type, id: subject.id },
    mailboxId: cause.mailboxId ?? null,
    count: 1,
    firstAt: at,
    lastAt: at,
    status: 'open',
    clearedBy: null,
    answer: null,
  };
  return [
    ...store.writesOf(alertKind, organizationId, undefined, alert, { changes, expiresAt }),
    {
      put: { ...key, v: 1, kind: 'alertOpen', organizationId, alertId: alert.id, days, expiresAt },
      condition:
        pointer === undefined
          ? { expression: 'attribute_not_exists(pk)' }
          : { expression: 'alertId = :previous', values: { ':previous': pointer['alertId'] } },
    },
  ];
};

/**
 * Raises an alert. While one of the same code and subject is open it only counts up: one read more and one write, no
 * event. A cause that got worse (or better) changes the level of the open alert and is told again.
 */
export const raiseAlert = (store: EntityStore, cause: AlertCause): Promise<void> =>
  transact(store.table, async () => ({ writes: await alertWrites(store, cause), result: undefined }));

export interface Clearing {
  readonly now: Date;
  /** Who clears it; the system when the cause is gone. */
  readonly author?: Author;
}

const endWrites = async (
  store: EntityStore,
  organizationId: string,
  alert: Alert,
  end: Pick<Alert, 'status'> & Partial<Pick<Alert, 'clearedBy' | 'answer'>>,
  { pointer, change, now }: { readonly pointer: StoredItem | undefined; readonly change: Change; readonly now: Date },
): Promise<RecordWrite[]> => {
  const days = typeof pointer?.['days'] === 'number' ? pointer['days'] : await retentionDays(store, organizationId);
  const next: Alert = { ...alert, ...end, version: alert.version + 1, updatedAt: now.toISOString() };
  return store.writesOf(alertKind, organizationId, alert, next, {
    changes: [change],
    expiresAt: expiryAfter(new Date(alert.lastAt), days),
    also:
      pointer?.['alertId'] === alert.id ? [{ remove: pointerKey(organizationId, alert.code, alert.subject.id) }] : [],
  });
};

const clearedWrites = (
  store: EntityStore,
  organizationId: string,
  alert: Alert,
  pointer: StoredItem | undefined,
  { now, author = systemAuthor }: Clearing,
): Promise<RecordWrite[]> =>
  endWrites(
    store,
    organizationId,
    alert,
    { status: 'cleared', clearedBy: author.actor.id },
    { pointer, change: createChange('alert.cleared', author, now), now },
  );

/** The writes that clear the open alert of a cause, as alertWrites; none when there is no such alert. */
export const clearingWrites = async (
  store: EntityStore,
  organizationId: string,
  code: string,
  subjectId: string,
  clearing: Clearing,
): Promise<RecordWrite[]> => {
  const pointer = await store.table.get(pointerKey(organizationId, code, subjectId));
  const open = await findOpen(store, organizationId, pointer);
  return open === undefined ? [] : clearedWrites(store, organizationId, open, pointer, clearing);
};

/** Clears the open alert of a cause that is gone; one read when there is none. */
export const clearAlert = (
  store: EntityStore,
  organizationId: string,
  code: string,
  subjectId: string,
  clearing: Clearing,
): Promise<void> =>
  transact(store.table, async () => ({
    writes: await clearingWrites(store, organizationId, code, subjectId, clearing),
    result: undefined,
  }));

/**
 * Clears one alert by its id. One that is not open stays as it is.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const clearAlertById = async (
  store: EntityStore,
  organizationId: string,
  alertId: string,
  clearing: Clearing & { readonly ifMatch?: number | undefined },
): Promise<Alert> => {
  await transact(store.table, async () => {
    const alert = await store.get(alertKind, organizationId, alertId);
    if (alert === undefined) throw new FaultError('notFound');
    if (clearing.ifMatch !== undefined && clearing.ifMatch !== alert.version) throw new FaultError('versionMismatch');
    if (alert.status !== 'open') return { writes: [], result: undefined };
    const pointer = await store.table.get(pointerKey(organizationId, alert.code, alert.subject.id));
    return { writes: await clearedWrites(store, organizationId, alert, pointer, clearing), result: undefined };
  });
  const cleared = await store.get(alertKind, organizationId, alertId);
  if (cleared === undefined) throw new FaultError('notFound');
  return cleared;
};

/**
 * Notes which action was chosen on an alert, also on one that the action has cleared at once. It is noted once.
 *
 * @throws FaultError notFound, alreadyAnswered
 */
export const noteAnswer = async (
  store: EntityStore,
  organizationId: string,
  alertId: string,
  { action, now, author }: { readonly action: AlertAction; readonly now: Date; readonly author: Author },
): Promise<void> =>
  transact(store.table, async () => {
    const alert = await store.get(alertKind, organizationId, alertId);
    if (alert === undefined) throw new FaultError('notFound');
    if (alert.status === 'answered') throw new FaultError('alreadyAnswered');
    const pointer = await store.table.get(pointerKey(organizationId, alert.code, alert.subject.id));
    const answer = { action, by: author.actor.id, at: now.toISOString() };
    const change = createChange('alert.answered', author, now);
    const end = { status: 'answered', answer } as const;
    return {
      writes: await endWrites(store, organizationId, alert, end, { pointer, change, now }),
      result: undefined,
    };
  });
