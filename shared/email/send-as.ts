import { queueKind, userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { SenderInput } from './email-input.ts';
import { findSender, requireSender, type Sender } from './find-sender.ts';

/** In whose name an email goes out and through whose mailbox. */
export interface Sending {
  readonly owner: Sender;
  /** Someone else whose mailbox it goes through: the Sender header names him (RFC 5322 section 3.6.2). */
  readonly submitter: Sender | null;
}

/** Whether a user may send in the name of another user, who allows it, or of a queue whose member he is. */
const maySendAs = async (
  store: EntityStore,
  organizationId: string,
  submitterId: string,
  ownerId: string,
): Promise<boolean> => {
  if (submitterId === ownerId) return true;
  const user = await store.get(userKind, organizationId, ownerId);
  if (user !== undefined) return user.allowSendAs;
  const queue = await store.get(queueKind, organizationId, ownerId);
  return queue !== undefined && (queue.ownerId === submitterId || queue.memberIds.includes(submitterId));
};

/** @throws FaultError sendAsNotAllowed */
export const requireMaySendAs = async (
  store: EntityStore,
  organizationId: string,
  submitter: Sender,
  owner: Sender,
): Promise<void> => {
  if (await maySendAs(store, organizationId, submitter.ownerId, owner.ownerId)) return;
  throw new FaultError('sendAsNotAllowed', {
    detail: `${submitter.party.name ?? submitter.ownerId} may not send as ${owner.party.name ?? owner.ownerId}`,
  });
};

/**
 * Who sends, as a request says it. A key vouches for the users of its CRM, so it names the one who submits the email; it
 * needs to name none where the email goes through the mailbox of its own owner.
 *
 * @throws FaultError invalidRequest, which names the field; sendAsNotAllowed
 */
export const requireSending = async (
  store: EntityStore,
  organizationId: string,
  from: SenderInput,
): Promise<Sending> => {
  const owner = await requireSender(store, organizationId, from.owner, '#/from/owner');
  if (from.submitter === undefined) {
    if (from.via === 'submitter')
      throw new FaultError('sendAsNotAllowed', {
        detail: 'An API key has no mailbox of its own to send through',
        fix: 'Name the user who submits the email in from.submitter, or leave via out',
      });
    return { owner, submitter: null };
  }
  const submitter = await requireSender(store, organizationId, from.submitter, '#/from/submitter');
  await requireMaySendAs(store, organizationId, submitter, owner);
  return { owner, submitter: from.via === 'submitter' && submitter.ownerId !== owner.ownerId ? submitter : null };
};

/** @throws FaultError sendAsNotAllowed */
const requireOwnSending = async (
  store: EntityStore,
  organizationId: string,
  { owner, submitter }: Sending,
  userId: string,
): Promise<void> => {
  const allowed =
    submitter === null ? await maySendAs(store, organizationId, userId, owner.ownerId) : submitter.ownerId === userId;
  if (!allowed)
    throw new FaultError('sendAsNotAllowed', {
      detail: `The one who sends it may not send as ${owner.party.name ?? owner.ownerId}`,
    });
};

/**
 * Who sends an email that is a draft so far, as they are now.
 *
 * @param userId who asks for it, where that is a user: a draft may have become his by its owner alone
 * @throws FaultError workloadNotEnabled, sendAsNotAllowed
 */
export const requireSendingNow = async (
  store: EntityStore,
  organizationId: string,
  email: {
    readonly from: Sender['party'];
    readonly sender: Sender['party'] | null;
  },
  userId?: string,
): Promise<Sending> => {
  const find = async (party: Sender['party'], what: string): Promise<Sender> => {
    const [record] = party.records;
    const found = record === undefined ? undefined : await findSender(store, organizationId, record.id);
    if (found?.address == null)
      throw new FaultError('workloadNotEnabled', { detail: `The ${what} of the email has no address any more` });
    return found;
  };
  const owner = await find(email.from, 'owner in from');
  const submitter = email.sender === null ? null : await find(email.sender, 'submitter');
  if (submitter !== null) await requireMaySendAs(store, organizationId, submitter, owner);
  if (userId !== undefined) await requireOwnSending(store, organizationId, { owner, submitter }, userId);
  return { owner, submitter };
};
