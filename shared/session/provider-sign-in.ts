import { randomBytes } from 'node:crypto';
import { askIssuer } from '../oauth/ask-issuer.ts';
import { type Organization, organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { AuthorizationServers, SignIn } from '../transport/oauth/authorization-servers.ts';
import { GrantRefused } from '../transport/oauth/oauth-client.ts';
import { findIdentifiedUser } from './find-identified-user.ts';
import type { ConfiguredProvider } from './identity-provider.ts';
import { createIdentifiedSession } from './manage-sessions.ts';
import { consumeState, openPending, sealPending } from './pending-sign-in.ts';
import type { SignedIn } from './sign-in-code.ts';

export interface ProviderSignInContext {
  readonly store: EntityStore;
  readonly vault: SecretVault;
  readonly servers: AuthorizationServers;
  /** Undefined: the deployment names none. */
  readonly provider: ConfiguredProvider | undefined;
  readonly now: () => Date;
}

const validMilliseconds = 600_000;

const randomText = (bytes: number): string => randomBytes(bytes).toString('base64url');

/**
 * That the organization lets its users sign in so. Where the issuer serves several organizations, it must have said which
 * one it is there; where nothing can be compared, a name that was given must not be believed to protect anything.
 *
 * @throws FaultError signInNotOffered, organizationSuspended
 */
const requireOffered = (
  provider: ConfiguredProvider | undefined,
  organization: Organization | undefined,
): { readonly provider: ConfiguredProvider; readonly organization: Organization } => {
  const access = organization?.settings.access;
  const named = access?.identityProviderOrganization != null;
  if (
    provider === undefined ||
    organization === undefined ||
    organization.status === 'erasing' ||
    access?.identityProvider !== true ||
    named !== (provider.organizationClaim !== null)
  )
    throw new FaultError('signInNotOffered');
  if (organization.status !== 'active') throw new FaultError('organizationSuspended');
  return { provider, organization };
};

/** @throws FaultError signInInterrupted, signInRefused, unavailable */
const askProvider = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await askIssuer(ask);
  } catch (error) {
    // The issuer does not know the code that it gave itself: it took too long, or came twice.
    if (error instanceof GrantRefused) throw new FaultError('signInInterrupted');
    if (!(error instanceof FaultError) || error.fault.code !== 'invalidState') throw error;
    const { detail } = error.fault;
    throw new FaultError('signInRefused', {
      detail,
      cause: 'The identity provider refused, or the sign-in was cancelled there',
      fix: 'Try again; if it was not you who cancelled, tell the operator what the identity provider answered',
    });
  }
};

/**
 * Begins a sign-in at the identity provider: where the browser goes, and what the page keeps meanwhile.
 *
 * @throws FaultError signInNotOffered, organizationSuspended, signInRefused, unavailable
 */
export const beginProviderSignIn = async (
  context: ProviderSignInContext,
  organizationId: string,
  redirectUri: string,
): Promise<{ readonly authorizationUrl: string; readonly expiresAt: string; readonly pending: string }> => {
  const { store, vault, servers, now } = context;
  const { provider, organization } = requireOffered(
    context.provider,
    await store.get(organizationKind, organizationId, organizationId),
  );
  const signIn: SignIn = { redirectUri, state: randomText(32), nonce: randomText(16), codeVerifier: randomText(32) };
  const authorizationUrl = await askProvider(async () => servers.authorizationUrl(await provider.openClient(), signIn));
  const at = now();
  const expiresAt = new Date(at.getTime() + validMilliseconds).toISOString();
  return { authorizationUrl, expiresAt, pending: await sealPending(vault, organization, { ...signIn, expiresAt }, at) };
};

/**
 * Ends a sign-in with what the page has kept and what the identity provider sent the browser back with.
 *
 * @throws FaultError signInInterrupted, signInNotOffered, signInRefused, userInactive, organizationSuspended, unavailable
 */
export const completeProviderSignIn = async (
  context: ProviderSignInContext,
  kept: string,
  callback: URLSearchParams,
): Promise<SignedIn> => {
  const { store, servers, now } = context;
  const { organization, pending } = await openPending(context, kept);
  await consumeState(store.table, organization.id, pending, callback.get('state'), now());
  const { provider } = requireOffered(context.provider, organization);
  const claims = await askProvider(async () => servers.identify(await provider.openClient(), pending, callback));
  const user = await findIdentifiedUser(store, organization, provider, claims);
  return createIdentifiedSession({ store, now }, organization.id, {
    userId: user.id,
    identity: { issuer: provider.issuer, subject: String(claims['sub']) },
  });
};
