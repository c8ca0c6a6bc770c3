import { isDeepStrictEqual } from 'node:util';
import { type Email, emailKind } from '../email/email.ts';
import { listingWrite } from '../email/email-listing.ts';
import { trackedChange } from '../email/tracked-event.ts';
import { createChange } from '../platform/create-change.ts';
import { FaultError } from '../platform/fault.ts';
import type { ManualTracking } from './manual-tracking.ts';
import { recordDuplicate } from './record-duplicate.ts';
import type { TrackingContext } from './tracking-run.ts';

/** What being asked for changes in an email that exists; undefined when it is as it should be. */
const adopt = (
  email: Email,
  mailboxId: string,
  { regarding }: ManualTracking,
  context: Pick<TrackingContext, 'organization' | 'author' | 'now'>,
) => {
  const wanted = regarding === null ? email : { ...email, regarding };
  if (email.untrackedAt !== undefined) {
    const { untrackedAt: _, ...rest } = wanted;
    const receivedByMailboxIds = email.direction === 'incoming' ? [mailboxId] : [];
    const next: Email = { ...rest, receivedByMailboxIds, trackedAt: context.now().toISOString() };
    const also = email.mailboxId === mailboxId ? [] : [listingWrite(context.organization.id, email.id, mailboxId)];
    return { next, changes: [trackedChange(next, context.author)], also };
  }
  if (isDeepStrictEqual(wanted.regarding, email.regarding)) return undefined;
  return { next: wanted, changes: [createChange('email.updated', context.author, context.now(), ['regarding'])] };
};

/**
 * Somebody asks for a message that is an email already: one that was cut off from the mailboxes is tracked again, one
 * that is tracked gets the mailbox and what it is to regard.
 */
export const adoptEmail = async (
  context: TrackingContext,
  emailId: string,
  manual: ManualTracking,
): Promise<'trackedAgain' | 'known' | 'deleted'> => {
  const { store, organization, mailbox, now } = context;
  let trackedAgain = false;
  try {
    await store.update(
      emailKind,
      organization.id,
      emailId,
      (email) => {
        trackedAgain = email.untrackedAt !== undefined;
        return adopt(email, mailbox.id, manual, context);
      },
      { now },
    );
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return 'deleted';
    throw error;
  }
  await recordDuplicate(context, emailId, await context.mailboxOwner());
  return trackedAgain ? 'trackedAgain' : 'known';
};
