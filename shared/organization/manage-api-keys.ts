import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import { createToken } from './access-token.ts';
import { type ApiKey, apiKeyKind, isExpired, type Role } from './api-key.ts';

interface Dependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
  readonly author: Author;
}

/**
 * Makes a key; `secret` is the token, shown this once. A request that is carried out again under the same identifier,
 * because the first try ended before it could answer, replaces the token that nobody has seen.
 */
export const createApiKey = async (
  { store, now, author }: Dependencies,
  organizationId: string,
  id: string,
  input: { readonly name: string; readonly role: Role; readonly expiresAt: string | null },
): Promise<{ readonly key: ApiKey; readonly secret: string }> => {
  const { token, prefix, hash } = createToken({ type: 'key', organizationId, keyId: id });
  const at = now().toISOString();
  const key: ApiKey = { id, version: 1, createdAt: at, updatedAt: at, ...input, prefix, hash, lastUsedAt: null };
  try {
    const act = { author, now: now(), action: 'apiKey.created' as const, subject: { type: 'apiKey', id } };
    const also = [auditWrite(organizationId, { ...act, before: null, after: key })];
    return { key: await store.create(apiKeyKind, organizationId, key, { also }), secret: token };
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
    const replaced = await store.update(
      apiKeyKind,
      organizationId,
      id,
      (current) => ({ next: { ...current, ...input, hash } }),
      { now },
    );
    return { key: replaced, secret: token };
  }
};

const listAll = async (store: EntityStore, organizationId: string): Promise<readonly ApiKey[]> => {
  const keys: ApiKey[] = [];
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(apiKeyKind, organizationId, { limit: 200, after });
    keys.push(...page.items);
    after = page.after;
  } while (after !== undefined);
  return keys;
};

/**
 * Removes a key: the next request with it fails. Two removals at once cannot take the last two admin keys: each is
 * written only if the admin key that stays is still there.
 *
 * @throws FaultError notFound, lastAdminKey, versionMismatch
 */
export const removeApiKey = async (
  { store, now, author }: Dependencies,
  organizationId: string,
  id: string,
  ifMatch: number | undefined,
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const keys = await listAll(store, organizationId);
    const key = keys.find((one) => one.id === id);
    if (key === undefined) throw new FaultError('notFound');
    const admins = keys.filter((one) => one.role === 'admin' && !isExpired(one, now()));
    const remaining = admins.find((one) => one.id !== id);
    const needed = key.role === 'admin' && !isExpired(key, now());
    if (needed && remaining === undefined) throw new FaultError('lastAdminKey');
    try {
      await store.remove(apiKeyKind, organizationId, id, {
        ifMatch,
        also: [
          auditWrite(organizationId, {
            author,
            now: now(),
            action: 'apiKey.deleted',
            subject: { type: 'apiKey', id },
            before: key,
            after: null,
          }),
          ...(needed && remaining !== undefined
            ? [
                {
                  check: recordKey(organizationId, apiKeyKind.kind, remaining.id),
                  condition: { expression: 'attribute_exists(pk)' },
                },
              ]
            : []),
        ],
      });
      return;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === 5) throw error;
    }
  }
};
