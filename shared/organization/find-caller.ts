import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import { isTokenOf, locateToken } from './access-token.ts';
import { type ApiKey, apiKeyKind, isExpired } from './api-key.ts';
import { operatorKeyPlace } from './operator-key.ts';
import { type Organization, organizationKind } from './organization.ts';

export type FoundCaller =
  | { readonly type: 'operator'; readonly id: string }
  | { readonly type: 'key'; readonly key: ApiKey; readonly organization: Organization };

/**
 * Whose token this is; undefined when it is nobody's, was deleted or has expired, or its organization is being erased.
 * Key and organization are read strongly at every request, so a deleted key fails at once.
 */
export const findCaller = async (store: EntityStore, token: string, now: Date): Promise<FoundCaller | undefined> => {
  const place = locateToken(token);
  if (place === undefined) return undefined;
  if (place.type === 'operator') {
    const item = await store.table.get(operatorKeyPlace(place.keyId));
    const hash = item?.['hash'];
    return typeof hash === 'string' && isTokenOf(token, hash) ? { type: 'operator', id: place.keyId } : undefined;
  }
  const { organizationId, keyId } = place;
  const keyPlace = recordKey(organizationId, apiKeyKind.kind, keyId);
  const items = await store.table.getMany([keyPlace, recordKey(organizationId, organizationKind.kind, organizationId)]);
  const keyItem = items.find((item) => item.pk === keyPlace.pk);
  const organizationItem = items.find((item) => item.pk !== keyPlace.pk);
  if (keyItem === undefined || organizationItem === undefined) return undefined;
  const key = fromItem(apiKeyKind, keyItem);
  const organization = fromItem(organizationKind, organizationItem);
  if (!isTokenOf(token, key.hash) || isExpired(key, now) || organization.status === 'erasing') return undefined;
  return { type: 'key', key, organization };
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
