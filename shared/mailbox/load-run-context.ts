import type { ContextLoader, RunContext } from '../cycle/run-context.ts';
import { organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { SecretVault } from '../platform/secrets.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { openCredentials } from './credentials.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';

const credentialStamp = (mailbox: Mailbox, serverProfile: ServerProfile): string => {
  const { source, authentication } = serverProfile.credentials;
  if (authentication === 'none') return 'none';
  const { username, password } = source === 'profile' ? serverProfile.credentials : mailbox.credentials;
  return `${username ?? mailbox.emailAddress ?? ''} ${password?.setAt ?? ''}`;
};

/**
 * Loads what runs need at half the read price: a replica may be behind by moments, which a refused login checks by
 * asking again with `fresh`.
 */
export const createContextLoader = (store: EntityStore, vault: SecretVault): ContextLoader => ({
  organization: (organizationId) => store.get(organizationKind, organizationId, organizationId, 'eventual'),
  context: async (organization, mailboxId, fresh): Promise<RunContext | undefined> => {
    const consistency = fresh ? undefined : 'eventual';
    const mailbox = await store.get(mailboxKind, organization.id, mailboxId, consistency);
    if (mailbox?.serverProfileId == null) return undefined;
    const serverProfile = await store.get(serverProfileKind, organization.id, mailbox.serverProfileId, consistency);
    if (serverProfile === undefined) return undefined;
    return {
      mailbox,
      serverProfile,
      credentialStamp: credentialStamp(mailbox, serverProfile),
      openCredentials: async () => (await openCredentials(vault, organization, mailbox, serverProfile)).credentials,
    };
  },
});
