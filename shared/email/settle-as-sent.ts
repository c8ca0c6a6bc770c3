import type { Organization } from '../organization/organization.ts';
import type { WriteAlso } from '../platform/entity-store.ts';
import { withEvent } from './delivery-outcome.ts';
import type { Email, Party } from './email.ts';
import { putOutboxEntry } from './outbox.ts';

const settled = (party: Party): Party => {
  // Put off by the server in the same transaction, and not tried again any more.
  if (party.result === 'deferred') return { ...party, result: 'rejected' };
  if (party.result !== 'unconfirmed') return party;
  const { code: _code, answer: _answer, ...known } = party;
  return { ...known, result: 'accepted' };
};

/**
 * What becomes of an unconfirmed email once it is known that the server has it: it is sent, and its copy in the Sent
 * folder is filed now.
 */
export const settleAsSent = (
  organization: Organization,
  email: Email,
  told: { readonly event: string; readonly detail: string },
  now: Date,
): Pick<WriteAlso, 'also'> & { readonly next: Email } => {
  const acceptedAt = now.getTime();
  const { delivery, mailboxId, rawKey } = email;
  // A mail program composes what it sends, and files it by itself.
  const copy = organization.settings.outgoing.saveToSentItems && mailboxId !== null && rawKey !== null;
  return {
    next: {
      ...email,
      status: 'sent',
      sentAt: delivery?.lastAttemptAt ?? now.toISOString(),
      acceptedAt,
      to: email.to.map(settled),
      cc: email.cc.map(settled),
      bcc: email.bcc.map(settled),
      delivery:
        delivery === null
          ? null
          : withEvent({ ...delivery, fault: null, sentCopy: copy ? 'pending' : 'none' }, now, told.event, told.detail),
    },
    also:
      copy && mailboxId !== null
        ? [
            putOutboxEntry(
              organization.id,
              {
                emailId: email.id,
                mailboxId,
                state: 'copying',
                notBefore: 0,
                attempts: 0,
                acceptedAt,
                copyAttempts: 0,
              },
              email.priority,
            ),
          ]
        : [],
  };
};
