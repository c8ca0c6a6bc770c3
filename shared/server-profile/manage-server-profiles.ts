import { isDeepStrictEqual } from 'node:util';
import type { Organization } from '../organization/organization.ts';
import { requireOwner } from '../owner/find-owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { applyMergePatch, type MergePatch } from '../platform/merge-patch.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import type { SecretVault } from '../platform/secrets.ts';
import { validate } from '../platform/validate.ts';
import type { SealedSecret } from '../platform/values.ts';
import { changeLayout, initialLayout } from '../throttle/throttle-layout.ts';
import { checkServerProfile, type ProfileRules } from './check-server-profile.ts';
import { presentServerProfile } from './present-server-profile.ts';
import { listProfileMailboxes } from './profile-mailboxes.ts';
import { profilePasswordPlace } from './profile-secret.ts';
import { type ServerProfile, serverProfileKind } from './server-profile.ts';
import { type ServerProfileInput, serverProfileInputSchema } from './server-profile-input.ts';

export interface ProfileDependencies {
  readonly store: EntityStore;
  readonly vault: SecretVault;
  readonly rules: ProfileRules;
  readonly now: () => Date;
}

type StoredFields = Omit<ServerProfile, 'id' | 'version' | 'createdAt' | 'updatedAt' | 'throttle'>;

/** The checked input in the narrower form that is stored. */
const storedFields = (input: ServerProfileInput, password: SealedSecret | undefined): StoredFields => {
  const { source, authentication, username } = input.credentials;
  return {
    ...input,
    incoming: { ...input.incoming, protocol: 'imap' },
    outgoing: { ...input.outgoing, protocol: 'smtp' },
    credentials: {
      source: source === 'profile' ? 'profile' : 'mailbox',
      authentication: authentication === 'none' ? 'none' : 'password',
      ...(username === null ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    },
  };
};

/** The id of the owner that the input names. @throws FaultError invalidRequest */
const ownerOf = async (
  { store }: ProfileDependencies,
  organizationId: string,
  { ownerId }: ServerProfileInput,
  current: string | null,
): Promise<string | null> =>
  ownerId === null || ownerId === current
    ? ownerId
    : requireOwner(store, organizationId, ['user', 'team'], ownerId, '#/ownerId');

/**
 * Creates a profile; repeated with the same id it finds the first.
 *
 * @throws FaultError those of checkServerProfile
 */
export const createServerProfile = async (
  dependencies: ProfileDependencies,
  organization: Organization,
  input: ServerProfileInput,
  id: string,
): Promise<ServerProfile> => {
  const { store, vault, rules, now } = dependencies;
  const existing = await store.get(serverProfileKind, organization.id, id);
  if (existing !== undefined) return existing;
  await checkServerProfile(input, rules);
  const ownerId = await ownerOf(dependencies, organization.id, input, null);
  const at = now();
  const { password } = input.credentials;
  const sealed =
    password === undefined ? undefined : await vault.seal(profilePasswordPlace(organization, id), password, at);
  return store.create(serverProfileKind, organization.id, {
    id,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    ...storedFields(input, sealed),
    ownerId,
    throttle: initialLayout(input.maxConnections),
  });
};

export type ServerProfilePatch = MergePatch<ServerProfileInput>;

/** @throws FaultError notFound, versionMismatch, invalidRequest and those of checkServerProfile */
export const changeServerProfile = async (
  dependencies: ProfileDependencies,
  organization: Organization,
  id: string,
  patch: ServerProfilePatch,
  ifMatch: number | undefined,
): Promise<ServerProfile> => {
  const { store, vault, rules, now } = dependencies;
  const newPassword = patch.credentials === null ? null : patch.credentials?.password;
  const place = profilePasswordPlace(organization, id);

  /** Sealing the same password again would make a change of nothing. */
  const sealNew = async (present: SealedSecret | undefined): Promise<SealedSecret | undefined> => {
    if (newPassword === undefined) return present;
    if (newPassword === null) return undefined;
    if (present !== undefined && (await vault.open(place, present)) === newPassword) return present;
    return vault.seal(place, newPassword, now());
  };

  return store.update(
    serverProfileKind,
    organization.id,
    id,
    async (current) => {
      const { id: _, version, createdAt, updatedAt, ...shown } = presentServerProfile(current);
      const { password, ...credentials } = shown.credentials;
      const input = validate(serverProfileInputSchema, applyMergePatch({ ...shown, credentials }, patch));
      await checkServerProfile(input, rules);
      const next: ServerProfile = {
        ...current,
        ...storedFields(input, await sealNew(current.credentials.password)),
        ownerId: await ownerOf(dependencies, organization.id, input, current.ownerId),
        throttle:
          input.maxConnections === current.maxConnections
            ? current.throttle
            : changeLayout(current, input.maxConnections, now()),
      };
      return isDeepStrictEqual(current, next) ? undefined : { next };
    },
    { now, ifMatch },
  );
};

/** No request runs longer than this, so the mark of a deletion that was broken off loses its force by then. */
const deletionMilliseconds = 30_000;
const attempts = 5;

/**
 * Deletes a profile that no mailbox uses. The profile is marked first, so that no mailbox can be moved to it between
 * the look at its mailboxes and its end.
 *
 * @throws FaultError notFound, versionMismatch, profileInUse
 */
export const deleteServerProfile = async (
  { store, now }: Pick<ProfileDependencies, 'store' | 'now'>,
  organizationId: string,
  id: string,
  ifMatch: number | undefined,
): Promise<void> => {
  const key = recordKey(organizationId, serverProfileKind.kind, id);
  for (let attempt = 1; ; attempt += 1) {
    const profile = await store.get(serverProfileKind, organizationId, id);
    if (profile === undefined) throw new FaultError('notFound');
    if (ifMatch !== undefined && ifMatch !== profile.version) throw new FaultError('versionMismatch');
    const values = { ':version': profile.version, ':until': now().getTime() + deletionMilliseconds };
    const marked = 'entity.version = :version AND deletingUntil = :until';
    try {
      await store.table.write([
        { update: key, expression: 'SET deletingUntil = :until', values, condition: 'entity.version = :version' },
      ]);
      const mailboxes = await listProfileMailboxes(store.table, organizationId, id, 1).next();
      if (mailboxes.value !== undefined && mailboxes.value.length > 0) {
        await store.table.write([{ update: key, expression: 'REMOVE deletingUntil', values, condition: marked }]);
        throw new FaultError('profileInUse');
      }
      await store.table.write([{ remove: key, condition: { expression: marked, values } }]);
      return;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
    }
  }
};
