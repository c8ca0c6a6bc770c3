import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { fingerprint } from '../platform/identifier.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { AccessTokens } from '../transport/connection.ts';
import type { AuthorizationServers } from '../transport/oauth/authorization-servers.ts';
import { GrantRefused } from '../transport/oauth/oauth-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import { noteConnectionEnd, noteConnectionRenewed } from './connection-status.ts';
import { GrantStore } from './grant-store.ts';
import { judgeEnd } from './judge-end.ts';
import { type GrantSource, obtainAccessToken } from './obtain-access-token.ts';
import { type ClientProfile, clientIdentityOf, openClient } from './profile-client.ts';

type TokenOrganization = Pick<Organization, 'id' | 'secretSalt'>;

/** Access tokens for what logs in by OAuth. */
export interface OAuthAccess {
  /** Of the account that signed in for the mailbox. */
  mailboxTokens(
    organization: TokenOrganization,
    mailbox: Pick<Mailbox, 'id' | 'oauth'>,
    profile: ClientProfile,
  ): AccessTokens;
  /** Of the application that the profile is. */
  applicationTokens(organization: TokenOrganization, profile: ClientProfile): AccessTokens;
}

export interface OAuthAccessDependencies {
  readonly store: EntityStore;
  readonly vault: SecretVault;
  readonly servers: AuthorizationServers;
  readonly now: () => Date;
}

const daySeconds = 86_400;

const notConnected = (detail: string): TransportError =>
  new TransportError('authenticationFailed', {
    class: 'permanent',
    level: 'mailbox',
    detail,
    cause: 'Nobody has signed in for the mailbox',
    fix: 'Connect the mailbox: its owner signs in at the provider',
  });

export const createOAuthAccess = (deps: OAuthAccessDependencies): OAuthAccess => {
  const { store, vault, servers, now } = deps;
  const grants = new GrantStore(store.table, vault);

  const tokensOf = (source: () => GrantSource): AccessTokens => ({
    current: async () => obtainAccessToken({ grants, servers, now }, source(), undefined),
    renew: async (refused) => obtainAccessToken({ grants, servers, now }, source(), refused),
  });

  const mailboxSource = (
    organization: TokenOrganization,
    mailbox: Pick<Mailbox, 'id' | 'oauth'>,
    profile: ClientProfile,
  ): GrantSource => {
    const { oauth } = mailbox;
    if (oauth === null) throw notConnected('The mailbox is not connected');
    const connection = { organizationId: organization.id, mailboxId: mailbox.id, oauth };
    return {
      place: { organization, holderId: mailbox.id, connectionId: oauth.connectionId },
      openClient: () => openClient(vault, organization, profile),
      isOf: (grant) => {
        const identity = clientIdentityOf(profile);
        return identity?.issuer === grant.issuer && identity.clientId === grant.clientId;
      },
      ask: async (client, tokens) => {
        if (tokens?.refreshToken == null)
          throw new GrantRefused('The access token has ended, and the issuer gave no refresh token', 'expired');
        return servers.refresh(client, tokens.refreshToken);
      },
      begin: undefined,
      keptSeconds: undefined,
      onRenewed: (grant) => noteConnectionRenewed(store, connection, grant, now()),
      onRefused: async (refusal, stored, refusedToken) => {
        const { status, fault } = judgeEnd({ refusal, grant: stored.grant, refusedToken, now: now().getTime() });
        await noteConnectionEnd(store, connection, status, now());
        return new TransportError(status === 'expired' ? 'oauthExpired' : 'oauthRevoked', {
          class: 'refused',
          level: 'mailbox',
          ...fault,
        });
      },
      missing: (detail) => notConnected(detail),
    };
  };

  const applicationSource = (organization: TokenOrganization, profile: ClientProfile): GrantSource => {
    const identity = clientIdentityOf(profile) ?? { issuer: '', clientId: '' };
    const { clientSecret, scopes } = profile.credentials;
    const connectionId = fingerprint(JSON.stringify([identity, clientSecret?.setAt, scopes])).slice(0, 24);
    return {
      place: { organization, holderId: profile.id, connectionId },
      openClient: () => openClient(vault, organization, profile),
      isOf: () => true,
      ask: (client) => servers.application(client),
      begin: () => ({ ...identity, renewAt: 0, endsAt: 0, generation: 0 }),
      keptSeconds: daySeconds,
      onRenewed: async () => undefined,
      onRefused: async (refusal) =>
        new TransportError('authenticationFailed', {
          class: 'permanent',
          level: 'profile',
          detail: refusal.message,
          cause: 'The authorization server refuses the application',
          fix: 'Correct clientId, clientSecret and scopes of the server profile',
        }),
      missing: notConnected,
    };
  };

  return {
    mailboxTokens: (organization, mailbox, profile) => tokensOf(() => mailboxSource(organization, mailbox, profile)),
    applicationTokens: (organization, profile) => tokensOf(() => applicationSource(organization, profile)),
  };
};
