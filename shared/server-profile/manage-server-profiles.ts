import { isDeepStrictEqual } from 'node:util';
import { clearProfileAlerts } from '../alert/connection-alerts.ts';
import { auditWrite } from '../audit/audit-write.ts';
import type { Organization } from '../organization/organization.ts';
import { requireOwner } from '../owner/find-owner.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { applyMergePatch, type MergePatch } from '../platform/merge-patch.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import type { SecretPlace, SecretVault } from '../platform/secrets.ts';
import { validate } from '../platform/validate.ts';
import type { SealedSecret } from '../platform/values.ts';
import { requireConnectionQuota } from '../quota/require-quota.ts';
import { changeLayout, initialLayout } from '../throttle/throttle-layout.ts';
import { checkServerProfile, type ProfileRules } from './check-server-profile.ts';
import { presentServerProfile } from './present-server-profile.ts';
import { listProfileMailboxes } from './profile-mailboxes.ts';
import { profileSecretPlace } from './profile-secret.ts';
import { refuseMaildrop } from './refuse-maildrop.ts';
import { type ServerProfile, serverProfileKind } from './server-profile.ts';
import {
  completeProfile,
  type ServerProfileInput,
  type ServerProfileRequest,
  serverProfileInputSchema,
} from './server-profile-input.ts';

export interface ProfileDependencies {
  readonly store: EntityStore;
  readonly vault: SecretVault;
  readonly rules: ProfileRules;
  readonly now: () => Date;
  readonly author: Author;
}

const subjectOf = (id: string) => ({ type: serverProfileKind.kind, id });

type StoredFields = Omit<ServerProfile, 'id' | 'version' | 'createdAt' | 'updatedAt' | 'throttle'>;

interface SealedSecrets {
  readonly password: SealedSecret | undefined;
  readonly clientSecret: SealedSecret | undefined;
}

/** The checked input in the narrower form that is stored. */
const storedFields = (input: ServerProfileInput, sealed: SealedSecrets): StoredFields => {
  const { authentication, username, password: _, clientSecret: __, ...credentials } = input.credentials;
  return {
    ...input,
    incoming: { ...input.incoming, protocol: input.incoming.protocol === 'pop3' ? 'pop3' : 'imap' },
    outgoing: { ...input.outgoing, protocol: 'smtp' },
    credentials: {
      ...credentials,
      authentication: authentication === 'ntlm' ? 'password' : authentication,
      ...(username === null ? {} : { username }),
      ...(sealed.password === undefined ? {} : { password: sealed.password }),
      ...(sealed.clientSecret === undefined ? {} : { clientSecret: sealed.clientSecret }),
    },
  };
};

/** The secret as it is to stand: unchanged when the same is given again, since sealing it would make a change of nothing. */
const sealSecret = async (
  { vault, now }: ProfileDependencies,
  place: SecretPlace,
  present: SealedSecret | undefined,
  given: string | null | undefined,
): Promise<SealedSecret | undefined> => {
  if (given === undefined) return present;
  if (given === null) return undefined;
  if (present !== undefined && (await vault.open(place, present)) === given) return present;
  return vault.seal(place, given, now());
};

/** `given`: what the request says of the secrets, undefined to keep them, null to remove them. */
const sealSecrets = async (
  dependencies: ProfileDependencies,
  organization: Organization,
  id: string,
  present: Partial<SealedSecrets>,
  given: { readonly password?: string | null | undefined; readonly clientSecret?: string | null | undefined },
): Promise<SealedSecrets> => {
  const seal = (name: 'password' | 'clientSecret') =>
    sealSecret(dependencies, profileSecretPlace(organization, id, name), present[name], given[name]);
  return { password: await seal('password'), clientSecret: await seal('clientSecret') };
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
 * @throws FaultError quotaExceeded, those of checkServerProfile
 */
export const createServerProfile = async (
  dependencies: ProfileDependencies,
  organization: Organization,
  request: ServerProfileRequest,
  id: string,
): Promise<ServerProfile> => {
  const { store, rules, now, author } = dependencies;
  const existing = await store.get(serverProfileKind, organization.id, id);
  if (existing !== undefined) return existing;
  const input = completeProfile(request);
  await checkServerProfile(input, rules, input.credentials.clientSecret !== undefined);
  await requireConnectionQuota(store, organization, { id, maxConnections: input.maxConnections });
  const ownerId = await ownerOf(dependencies, organization.id, input, null);
  const at = now();
  const sealed = await sealSecrets(dependencies, organization, id, {}, input.credentials);
  const profile: ServerProfile = {
    id,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    ...storedFields(input, sealed),
    ownerId,
    throttle: initialLayout(input.maxConnections),
  };
  const act = { author, now: at, action: 'serverProfile.created' as const, subject: subjectOf(id) };
  const also = [auditWrite(organization.id, { ...act, before: null, after: profile })];
  return store.create(serverProfileKind, organization.id, profile, { also });
};

export type ServerProfilePatch = MergePatch<ServerProfileRequest>;

/** @throws FaultError notFound, versionMismatch, invalidRequest, notSupported, quotaExceeded and those of checkServerProfile */
export const changeServerProfile = async (
  dependencies: ProfileDependencies,
  organization: Organization,
  id: string,
  patch: ServerProfilePatch,
  ifMatch: number | undefined,
): Promise<ServerProfile> => {
  const { store, rules, now, author } = dependencies;
  const given = patch.credentials === null ? { password: null, clientSecret: null } : (patch.credentials ?? {});
  return store.update(
    serverProfileKind,
    organization.id,
    id,
    async (current) => {
      const { id: _, version, createdAt, updatedAt, ...shown } = presentServerProfile(current);
      const { password, clientSecret, ...credentials } = shown.credentials;
      const patched = applyMergePatch({ ...shown, credentials }, patch);
      const input = completeProfile(validate(serverProfileInputSchema, patched));
      const sealed = await sealSecrets(dependencies, organization, id, current.credentials, given);
      await checkServerProfile(input, rules, sealed.clientSecret !== undefined, current);
      if (input.incoming.protocol === 'pop3' && current.incoming.protocol !== 'pop3')
        await refuseMaildrop(store, organization.id, id);
      if (input.maxConnections > current.maxConnections)
        await requireConnectionQuota(store, organization, { id, maxConnections: input.maxConnections });
      const next: ServerProfile = {
        ...current,
        ...storedFields(input, sealed),
        ownerId: await ownerOf(dependencies, organization.id, input, current.ownerId),
        throttle:
          input.maxConnections === current.maxConnections
            ? current.throttle
            : changeLayout(current, input.maxConnections, now()),
      };
      if (isDeepStrictEqual(current, next)) return undefined;
      const act = { author, now: now(), action: 'serverProfile.changed' as const, subject: subjectOf(id) };
      return { next, also: [auditWrite(organization.id, { ...act, before: current, after: next })] };
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
  { store, now, author }: Pick<ProfileDependencies, 'store' | 'now' | 'author'>,
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
      const act = { author, now: now(), action: 'serverProfile.deleted' as const, subject: subjectOf(id) };
      await store.table.write([
        { remove: key, condition: { expression: marked, values } },
        auditWrite(organizationId, { ...act, before: profile, after: null }),
      ]);
      break;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
    }
  }
  await clearProfileAlerts(store, organizationId, id, now());
};
