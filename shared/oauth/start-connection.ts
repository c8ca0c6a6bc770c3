import { randomBytes } from 'node:crypto';
import type { Mailbox } from '../mailbox/mailbox.ts';
import { type MailboxContext, refuseRetired, requireMailbox } from '../mailbox/mailbox-context.ts';
import { requireComplete } from '../mailbox/readiness.ts';
import { FaultError } from '../platform/fault.ts';
import type { SecretPlace, SecretVault } from '../platform/secrets.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { AuthorizationServers } from '../transport/oauth/authorization-servers.ts';
import { askIssuer } from './ask-issuer.ts';
import { storePending, toState } from './pending-connection.ts';
import { openClient } from './profile-client.ts';
import { isAllowedReturnUrl } from './return-url.ts';

export interface ConnectionContext
  extends Pick<MailboxContext, 'store' | 'cycles' | 'organization' | 'author' | 'now'> {
  readonly vault: SecretVault;
  readonly servers: AuthorizationServers;
}

const validMilliseconds = 600_000;

/** Where the verifier of a sign-in is sealed. */
export const verifierPlace = (organization: ConnectionContext['organization'], mailboxId: string): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: mailboxId,
  field: 'oauth.codeVerifier',
});

const randomText = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** The profile by which the mailbox signs in. @throws FaultError invalidState, notSupported */
export const requireSignInProfile = async (
  context: Pick<ConnectionContext, 'store' | 'organization'>,
  mailbox: Mailbox,
): Promise<ServerProfile> => {
  const profile = await requireComplete(context, mailbox);
  const { source, authentication } = profile.credentials;
  if (authentication !== 'oauth2' || source !== 'mailbox')
    throw new FaultError('notSupported', {
      detail: 'The server profile of the mailbox does not have each mailbox sign in by OAuth',
      fix: 'Use a server profile whose credentials are {source: mailbox, authentication: oauth2}',
    });
  return profile;
};

/**
 * Begins a sign-in for a mailbox: where to send its owner's browser, and until when it may come back.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, notSupported, returnUrlNotAllowed, unavailable
 */
export const startConnection = async (
  context: ConnectionContext,
  mailboxId: string,
  request: { readonly returnUrl: string; readonly redirectUri: string; readonly ifMatch: number | undefined },
): Promise<{ readonly authorizationUrl: string; readonly expiresAt: string }> => {
  const { store, organization, vault, servers, author, now } = context;
  const { returnUrl, redirectUri } = request;
  const mailbox = await requireMailbox(context, mailboxId, request.ifMatch);
  refuseRetired(mailbox);
  if (!isAllowedReturnUrl(returnUrl, organization.settings.oauth.allowedReturnUrls))
    throw new FaultError('returnUrlNotAllowed', {
      detail: `${returnUrl.slice(0, 200)} is not among settings.oauth.allowedReturnUrls`,
      errors: [{ pointer: '#/returnUrl', code: 'returnUrlNotAllowed', detail: 'This address is not allowed' }],
    });
  const profile = await requireSignInProfile(context, mailbox);
  const emailAddress = mailbox.emailAddress ?? '';
  const state = toState(organization.id, randomText(32));
  const signIn = { redirectUri, state, nonce: randomText(16), codeVerifier: randomText(32) };
  const authorizationUrl = await askIssuer(async () =>
    servers.authorizationUrl(await openClient(vault, organization, profile), signIn, emailAddress),
  );
  const at = now();
  const expiresAt = new Date(at.getTime() + validMilliseconds).toISOString();
  await storePending(
    store.table,
    organization.id,
    state,
    {
      mailboxId,
      serverProfileId: profile.id,
      returnUrl,
      redirectUri,
      emailAddress,
      nonce: signIn.nonce,
      codeVerifier: await vault.seal(verifierPlace(organization, mailboxId), signIn.codeVerifier, at),
      expiresAt,
      author: { origin: author.origin, actor: author.actor },
    },
    at,
  );
  return { authorizationUrl, expiresAt };
};
