import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { mailboxChanges } from '../mailbox/mailbox-changes.ts';
import type { MailboxOAuth } from '../mailbox/mailbox-oauth.ts';
import { systemAuthor } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { OAuthGrant } from './oauth-grant.ts';

export interface Connection {
  readonly organizationId: string;
  readonly mailboxId: string;
  /** As the caller knows it. */
  readonly oauth: MailboxOAuth;
}

/** Changes what the mailbox says of its connection, unless it has another one by now. */
const change = async (
  store: EntityStore,
  { organizationId, mailboxId, oauth }: Connection,
  next: (present: MailboxOAuth) => MailboxOAuth,
  now: Date,
): Promise<void> => {
  try {
    await store.update(
      mailboxKind,
      organizationId,
      mailboxId,
      (mailbox) => {
        const present = mailbox.oauth;
        if (present === null || present.connectionId !== oauth.connectionId) return undefined;
        const changed = next(present);
        if (changed.status === present.status && changed.expiresAt === present.expiresAt) return undefined;
        const after: Mailbox = { ...mailbox, oauth: changed };
        return { next: after, changes: mailboxChanges(mailbox, after, systemAuthor, now) };
      },
      { now: () => now },
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== 'notFound') throw error;
  }
};

export const noteConnectionEnd = (
  store: EntityStore,
  connection: Connection,
  status: 'expired' | 'revoked',
  now: Date,
): Promise<void> => change(store, connection, (present) => ({ ...present, status }), now);

/** An end that moves on with every refresh is told once a day: each change of a mailbox is an event. */
const toldMilliseconds = 86_400_000;

export const noteConnectionRenewed = async (
  store: EntityStore,
  connection: Connection,
  grant: Pick<OAuthGrant, 'refreshEndsAt'>,
  now: Date,
): Promise<void> => {
  const { oauth } = connection;
  const end = grant.refreshEndsAt;
  const told = oauth.expiresAt === null ? undefined : Date.parse(oauth.expiresAt);
  const moved = end !== undefined && Math.abs(end - (told ?? 0)) > toldMilliseconds;
  if (oauth.status === 'connected' && !moved) return;
  await change(
    store,
    connection,
    (present) => ({
      ...present,
      status: 'connected',
      expiresAt: moved ? new Date(end).toISOString() : present.expiresAt,
    }),
    now,
  );
};
