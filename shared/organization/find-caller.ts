import { type User, userKind } from '../owner/owner.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import type { RecordKind } from '../platform/record-kinds.ts';
import { recordKey, type StoredItem, WriteConditionError } from '../platform/records-table.ts';
import { isSessionToken, type Session, sessionKind } from '../session/session.ts';
import { isTokenOf, locateToken, type SessionPlace, type TokenPlace } from './access-token.ts';
import { type ApiKey, apiKeyKind, isExpired } from './api-key.ts';
import { operatorKeyPlace } from './operator-key.ts';
import { type Organization, organizationKind } from './organization.ts';

export type FoundCaller =
  | { readonly type: 'operator'; readonly id: string }
  | { readonly type: 'key'; readonly key: ApiKey; readonly organization: Organization }
  | FoundSession;

export interface FoundSession {
  readonly type: 'session';
  readonly session: Session;
  readonly user: User;
  readonly organization: Organization;
}

interface FoundToken {
  readonly item: StoredItem;
  readonly organization: Organization;
}

/** What a token stands for, and its organization unless that is being erased: both in one strong read. */
const readWithOrganization = async (
  { table }: EntityStore,
  organizationId: string,
  kind: RecordKind,
  id: string,
): Promise<FoundToken | undefined> => {
  const place = recordKey(organizationId, kind, id);
  const items = await table.getMany([place, recordKey(organizationId, organizationKind.kind, organizationId)]);
  const item = items.find(({ pk }) => pk === place.pk);
  const organizationItem = items.find(({ pk }) => pk !== place.pk);
  if (item === undefined || organizationItem === undefined) return undefined;
  const organization = fromItem(organizationKind, organizationItem);
  return organization.status === 'erasing' ? undefined : { item, organization };
};

const findKey = async (
  store: EntityStore,
  token: string,
  { organizationId, keyId }: Extract<TokenPlace, { type: 'key' }>,
  now: Date,
): Promise<FoundCaller | undefined> => {
  const found = await readWithOrganization(store, organizationId, apiKeyKind.kind, keyId);
  if (found === undefined) return undefined;
  const key = fromItem(apiKeyKind, found.item);
  return isTokenOf(token, key.hash) && !isExpired(key, now)
    ? { type: 'key', key, organization: found.organization }
    : undefined;
};

/** A session is good while its user is active and who vouched for it does: the key, or the sign-in that is allowed. */
export const findSession = async (
  store: EntityStore,
  { organizationId, sessionId }: SessionPlace,
  isOpened: (session: Session) => boolean,
  now: Date,
): Promise<FoundSession | undefined> => {
  const found = await readWithOrganization(store, organizationId, sessionKind.kind, sessionId);
  if (found === undefined) return undefined;
  const session = fromItem(sessionKind, found.item);
  // The table may drop expired items days late.
  if (!isOpened(session) || Date.parse(session.expiresAt) <= now.getTime()) return undefined;
  const userPlace = recordKey(organizationId, userKind.kind, session.userId);
  const keyPlace = session.keyId === null ? [] : [recordKey(organizationId, apiKeyKind.kind, session.keyId)];
  const items = await store.table.getMany([userPlace, ...keyPlace]);
  const userItem = items.find(({ pk }) => pk === userPlace.pk);
  const keyItem = items.find(({ pk }) => pk !== userPlace.pk);
  const vouched =
    session.keyId === null
      ? found.organization.settings.access.identityProvider
      : keyItem !== undefined && !isExpired(fromItem(apiKeyKind, keyItem), now);
  if (userItem === undefined || !vouched) return undefined;
  const user = fromItem(userKind, userItem);
  return user.status === 'active' ? { type: 'session', session, user, organization: found.organization } : undefined;
};

/**
 * Whose token this is; undefined when it is nobody's, was deleted or has expired, or its organization is being erased.
 * Everything is read strongly at every request, so what was deleted or deactivated fails at once.
 */
export const findCaller = async (store: EntityStore, token: string, now: Date): Promise<FoundCaller | undefined> => {
  const place = locateToken(token);
  if (place === undefined) return undefined;
  if (place.type === 'key') return findKey(store, token, place, now);
  if (place.type === 'session') return findSession(store, place, (session) => isSessionToken(token, session), now);
  const item = await store.table.get(operatorKeyPlace(place.keyId));
  const hash = item?.['hash'];
  return typeof hash === 'string' && isTokenOf(token, hash) ? { type: 'operator', id: place.keyId } : undefined;
};

const noteEveryMilliseconds = 60_000;

/** Notes that a key was used, at most once a minute, without touching its version. */
export const noteKeyUse = async (store: EntityStore, organizationId: string, key: ApiKey, now: Date): Promise<void> => {
  if (key.lastUsedAt !== null && now.getTime() - Date.parse(key.lastUsedAt) < noteEveryMilliseconds) return;
  try {
    await store.table.write([
      {
        update: recordKey(organizationId, apiKeyKind.kind, key.id),
        expression: 'SET entity.lastUsedAt = :now',
        values: { ':now': now.toISOString(), ':seen': key.lastUsedAt },
        condition: 'attribute_exists(pk) AND entity.lastUsedAt = :seen',
      },
    ]);
  } catch (error) {
    // Another request noted it, or the key was deleted meanwhile.
    if (!(error instanceof WriteConditionError)) throw error;
  }
};
