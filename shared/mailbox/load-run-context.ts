import type { ContextLoader, RunContext } from '../cycle/run-context.ts';
import { organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { withinTimeout } from '../server-profile/within-timeout.ts';
import { type CredentialDependencies, openCredentials } from './credentials.ts';
import { loginName } from './login-name.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';

const credentialStamp = (mailbox: Mailbox, serverProfile: ServerProfile): string => {
  const { source, authentication, clientId, clientSecret } = serverProfile.credentials;
  if (authentication === 'none') return 'none';
  if (authentication === 'oauth2') {
    const login = loginName(mailbox) ?? '';
    return source === 'application'
      ? `${login} ${clientId} ${clientSecret?.setAt}`
      : `${login} ${mailbox.oauth?.connectionId ?? ''}`;
  }
  const { username, password } = source === 'profile' ? serverProfile.credentials : mailbox.credentials;
  return `${username ?? mailbox.emailAddress ?? ''} ${password?.setAt ?? ''}`;
};

/** The mailboxes of a batch mostly share organization and profile: one read under way is for all who ask meanwhile. */
const createSharedReads = () => {
  const underWay = new Map<string, Promise<unknown>>();
  return <Value>(key: string, read: () => Promise<Value>): Promise<Value> => {
    const known = underWay.get(key) as Promise<Value> | undefined;
    if (known !== undefined) return known;
    const reading = read().finally(() => underWay.delete(key));
    underWay.set(key, reading);
    return reading;
  };
};

/**
 * Loads what runs need at half the read price: a replica may be behind by moments, which a refused login checks by
 * asking again with `fresh`.
 */
export const createContextLoader = (store: EntityStore, credentials: CredentialDependencies): ContextLoader => {
  const shared = createSharedReads();
  return {
    organization: (organizationId) =>
      shared(organizationId, () => store.get(organizationKind, organizationId, organizationId, 'eventual')),
    context: async (organization, mailboxId, fresh): Promise<RunContext | undefined> => {
      const consistency = fresh ? undefined : 'eventual';
      const mailbox = await store.get(mailboxKind, organization.id, mailboxId, consistency);
      if (mailbox?.serverProfileId == null) return undefined;
      const { serverProfileId } = mailbox;
      const readProfile = () => store.get(serverProfileKind, organization.id, serverProfileId, consistency);
      const stored = await (fresh ? readProfile() : shared(`${organization.id}#${serverProfileId}`, readProfile));
      if (stored === undefined) return undefined;
      const serverProfile = withinTimeout(organization, stored);
      return {
        mailbox,
        serverProfile,
        credentialStamp: credentialStamp(mailbox, serverProfile),
        openCredentials: () => openCredentials(credentials, organization, mailbox, serverProfile),
      };
    },
  };
};
