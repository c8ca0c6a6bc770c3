import type { Mailbox } from '../mailbox/mailbox.ts';
import { changeMailbox, requireMailbox } from '../mailbox/mailbox-context.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import { GrantRefused } from '../transport/oauth/oauth-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import { GrantStore } from './grant-store.ts';
import { clientIdentityOf, openClient } from './profile-client.ts';
import type { ConnectionContext } from './start-connection.ts';

/** Tells the issuer that the tokens are not needed any more, if it can be told: they are forgotten in any case. */
const revoke = async (context: ConnectionContext, mailbox: Mailbox, connectionId: string): Promise<void> => {
  const { store, vault, organization, servers } = context;
  const grants = new GrantStore(store.table, vault);
  const stored = await grants.read({ organization, holderId: mailbox.id, connectionId });
  const profile =
    mailbox.serverProfileId === null
      ? undefined
      : await store.get(serverProfileKind, organization.id, mailbox.serverProfileId);
  if (stored?.tokens === undefined || profile === undefined) return;
  const identity = clientIdentityOf(profile);
  // Another issuer is not to see these tokens.
  if (identity?.issuer !== stored.grant.issuer || identity.clientId !== stored.grant.clientId) return;
  const { accessToken, refreshToken } = stored.tokens;
  try {
    await servers.revoke(await openClient(vault, organization, profile), refreshToken ?? accessToken);
  } catch (error) {
    if (!(error instanceof TransportError) && !(error instanceof GrantRefused)) throw error;
  }
};

/**
 * Revokes and forgets the connection of a mailbox; nothing happens where there is none. The issuer is told first: should
 * the request end in between, asking again makes it good.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const disconnectMailbox = async (
  context: ConnectionContext,
  mailboxId: string,
  ifMatch: number | undefined,
): Promise<void> => {
  const mailbox = await requireMailbox(context, mailboxId, ifMatch);
  const connectionId = mailbox.oauth?.connectionId;
  if (connectionId === undefined) return;
  await revoke(context, mailbox, connectionId);
  await changeMailbox(context, mailboxId, ifMatch, async (current) => ({
    next: current.oauth?.connectionId === connectionId ? { ...current, oauth: null } : current,
  }));
};
