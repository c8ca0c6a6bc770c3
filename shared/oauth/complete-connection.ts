import { randomBytes } from 'node:crypto';
import { clearConnectionAlerts } from '../alert/connection-alerts.ts';
import { synchronizedWorkloads } from '../mailbox/mailbox.ts';
import { changeMailbox, requireMailbox } from '../mailbox/mailbox-context.ts';
import { isSameAddress } from '../mailbox/mailbox-edits.ts';
import type { MailboxOAuth } from '../mailbox/mailbox-oauth.ts';
import { organizationKind } from '../organization/organization.ts';
import { FaultError } from '../platform/fault.ts';
import { GrantRefused, type OAuthClient, type TokenAnswer } from '../transport/oauth/oauth-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import { GrantStore } from './grant-store.ts';
import { grantItem, timesOf } from './oauth-grant.ts';
import { type FoundPending, type PendingConnection, usePending } from './pending-connection.ts';
import { openClient } from './profile-client.ts';
import { returnTo } from './return-url.ts';
import { type ConnectionContext, requireSignInProfile, verifierPlace } from './start-connection.ts';

type CallbackContext = Omit<ConnectionContext, 'organization' | 'author'>;

/** What the browser carries back. Neither kind of fault has other codes than those of the catalogue. */
const codeOf = (error: unknown): string => {
  if (error instanceof TransportError || error instanceof FaultError) return error.fault.code;
  // The issuer does not know the code that it gave itself: the sign-in took too long, or came twice.
  if (error instanceof GrantRefused) return 'accessDenied';
  throw error;
};

const outdated = (): FaultError =>
  new FaultError('invalidState', { detail: 'Address or server profile of the mailbox changed during the sign-in' });

/** What the issuer gave for the sign-in. @throws TransportError, GrantRefused, FaultError */
const exchange = async (context: ConnectionContext, pending: PendingConnection, callback: URLSearchParams) => {
  const { vault, servers, organization } = context;
  const mailbox = await requireMailbox(context, pending.mailboxId);
  const profile = await requireSignInProfile(context, mailbox);
  if (profile.id !== pending.serverProfileId || !isSameAddress(mailbox.emailAddress, pending.emailAddress))
    throw outdated();
  const client = await openClient(vault, organization, profile);
  const signIn = {
    redirectUri: pending.redirectUri,
    state: callback.get('state') ?? '',
    nonce: pending.nonce,
    codeVerifier: await vault.open(verifierPlace(organization, pending.mailboxId), pending.codeVerifier),
  };
  return { client, answer: await servers.exchange(client, signIn, callback) };
};

/** Puts the connection in the place of one before, in one transaction with its tokens. @throws FaultError */
const storeConnection = async (
  context: ConnectionContext,
  pending: PendingConnection,
  client: OAuthClient,
  answer: TokenAnswer & { readonly account: string },
): Promise<void> => {
  const { organization, now } = context;
  const grants = new GrantStore(context.store.table, context.vault);
  const connectionId = randomBytes(12).toString('hex');
  const place = { organization, holderId: pending.mailboxId, connectionId };
  const at = now();
  const times = timesOf(answer, at.getTime());
  const sealed = await grants.seal(
    place,
    { accessToken: answer.accessToken, refreshToken: answer.refreshToken ?? null },
    at,
  );
  const { issuer, clientId, scopes } = client;
  const endsAt = answer.refreshToken === undefined ? times.endsAt : times.refreshEndsAt;
  const oauth: MailboxOAuth = {
    status: 'connected',
    connectionId,
    account: answer.account,
    scopes: [...(answer.scopes ?? scopes)],
    connectedAt: at.toISOString(),
    expiresAt: endsAt === undefined ? null : new Date(endsAt).toISOString(),
  };
  await changeMailbox(context, pending.mailboxId, undefined, async (mailbox) => {
    if (!isSameAddress(mailbox.emailAddress, pending.emailAddress)) throw outdated();
    const put = grantItem(place, { issuer, clientId, tokens: sealed, generation: 1, ...times });
    return { next: { ...mailbox, oauth }, claim: { writes: [{ put }] } };
  });
};

/** What waits for the connection goes on at once: the faults of before are gone. */
const resume = async (context: ConnectionContext, mailboxId: string): Promise<void> => {
  const { organization, cycles, now } = context;
  await clearConnectionAlerts(context.store, organization.id, mailboxId, { now: now() });
  for (const workload of synchronizedWorkloads) await cycles.wake(organization.id, mailboxId, workload);
};

/**
 * Tokens of another account are dropped, but not revoked: at some issuers that would end whatever else this account has
 * with the hub.
 */
const complete = async (context: ConnectionContext, pending: PendingConnection, callback: URLSearchParams) => {
  const { client, answer } = await exchange(context, pending, callback);
  const { account } = answer;
  if (account === undefined || !isSameAddress(account, pending.emailAddress))
    throw new FaultError('oauthAccountMismatch');
  await storeConnection(context, pending, client, { ...answer, account });
  await resume(context, pending.mailboxId);
};

const contextOf = async (context: CallbackContext, { organizationId, pending }: FoundPending) => {
  const organization = await context.store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return undefined;
  return { ...context, organization, author: pending.author };
};

/**
 * The end of a sign-in, as the issuer sends the browser back with it.
 *
 * @returns where the browser goes on to
 * @throws FaultError invalidRequest, when nobody began it
 */
export const completeConnection = async (context: CallbackContext, callback: URLSearchParams): Promise<string> => {
  const found = await usePending(context.store.table, callback.get('state') ?? '', context.now());
  const connection = found === undefined ? undefined : await contextOf(context, found);
  if (found === undefined || connection === undefined)
    throw new FaultError('invalidRequest', {
      detail: 'Nobody has begun this sign-in, or it is long over',
      fix: 'Begin again where you came from',
      errors: [{ pointer: '#/query/state', code: 'unknown', detail: 'This state is not known' }],
    });
  const { pending } = found;
  if (found.isOver) return returnTo(pending.returnUrl, { status: 'failed', code: 'invalidState' });
  if (connection.organization.status !== 'active')
    return returnTo(pending.returnUrl, { status: 'failed', code: 'organizationSuspended' });
  try {
    await complete(connection, pending, callback);
    return returnTo(pending.returnUrl, { status: 'connected' });
  } catch (error) {
    return returnTo(pending.returnUrl, { status: 'failed', code: codeOf(error) });
  }
};
