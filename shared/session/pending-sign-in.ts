import * as z from 'zod';
import { type Organization, organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { fingerprint } from '../platform/identifier.ts';
import { type RecordsTable, recordKey, WriteConditionError } from '../platform/records-table.ts';
import type { SecretPlace, SecretVault } from '../platform/secrets.ts';

/** A sign-in that has begun and not come back. */
export const pendingSignInSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  redirectUri: z.string(),
  expiresAt: z.string(),
});
export type PendingSignIn = z.output<typeof pendingSignInSchema>;

const placeOf = ({ id, secretSalt }: Pick<Organization, 'id' | 'secretSalt'>): SecretPlace => ({
  organizationId: id,
  salt: secretSalt,
  resourceId: id,
  field: 'signIn.pending',
});

/**
 * The page keeps what has begun, sealed: so it ends only in the tab where it began, and anybody may begin as often as
 * they like without a write.
 */
export const sealPending = async (
  vault: SecretVault,
  organization: Organization,
  pending: PendingSignIn,
  now: Date,
): Promise<string> => {
  const { sealed } = await vault.seal(placeOf(organization), JSON.stringify(pending), now);
  return `${organization.id}.${Buffer.from(sealed).toString('base64url')}`;
};

const interrupted = (): FaultError => new FaultError('signInInterrupted');

/** @throws FaultError signInInterrupted, when it was not sealed here */
export const openPending = async (
  { store, vault }: { readonly store: EntityStore; readonly vault: SecretVault },
  text: string,
): Promise<{ readonly organization: Organization; readonly pending: PendingSignIn }> => {
  const [, organizationId, sealed] = /^(org_[0-9A-Za-z]{16,40})\.([0-9A-Za-z_-]{1,4000})$/.exec(text) ?? [];
  if (organizationId === undefined || sealed === undefined) throw interrupted();
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined || organization.status === 'erasing') throw interrupted();
  const secret = { sealed: Buffer.from(sealed, 'base64url').toString(), setAt: '' };
  let opened: string;
  try {
    opened = await vault.open(placeOf(organization), secret);
  } catch (error) {
    // What the key service throws has a name of its own and may pass; what the seal throws never does.
    if (error instanceof Error && '$metadata' in error) throw error;
    throw interrupted();
  }
  return { organization, pending: pendingSignInSchema.parse(JSON.parse(opened)) };
};

/** What came back is remembered until no browser can bring it again. */
const keptSeconds = 3_600;

/** Lets the first of all who bring a state back go on. @throws FaultError signInInterrupted */
export const consumeState = async (
  table: RecordsTable,
  organizationId: string,
  { state, expiresAt }: PendingSignIn,
  brought: string | null,
  now: Date,
): Promise<void> => {
  if (brought !== state || Date.parse(expiresAt) <= now.getTime()) throw interrupted();
  const key = recordKey(organizationId, 'signInState', fingerprint(state));
  try {
    await table.write([
      {
        put: { ...key, v: 1, kind: 'signInState', expiresAt: Math.floor(now.getTime() / 1000) + keptSeconds },
        condition: { expression: 'attribute_not_exists(pk)' },
      },
    ]);
  } catch (error) {
    throw error instanceof WriteConditionError ? interrupted() : error;
  }
};
