import { clearAlert } from '../alert/raise-alert.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createChange, deletedChangeWrite } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { recipientsOf } from './delivery-outcome.ts';
import { type Email, emailKind } from './email.ts';
import { emailContentPrefix } from './email-body.ts';
import { removeListings } from './email-listing.ts';
import { conversationKey, messageIdKey, tokenKey } from './message-identity.ts';
import { presentEmail } from './present-email.ts';
import { type ActionOptions, clearFaultAlert } from './send-actions.ts';

export interface RemoveDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly now: () => Date;
}

const pointersOf = (organizationId: string, email: Email): RecordWrite[] => [
  ...(email.messageId === null ? [] : [{ remove: messageIdKey(organizationId, email.messageId, email.id) }]),
  ...(email.conversationIndex === undefined
    ? []
    : [{ remove: conversationKey(organizationId, email.conversationIndex, email.id) }]),
  ...(email.token === null ? [] : [{ remove: tokenKey(organizationId, email.token, email.id) }]),
];

/**
 * Removes an email from the hub, never from a mailbox. What marks its message as known stays, so that the copy in a
 * mailbox is not tracked anew; answers to it correlate with it no longer.
 *
 * @throws FaultError notFound, versionMismatch, invalidState
 */
export const removeEmail = async (
  deps: RemoveDependencies,
  organizationId: string,
  emailId: string,
  { author, ifMatch }: ActionOptions,
): Promise<void> => {
  const { store, content, now } = deps;
  const email = await store.get(emailKind, organizationId, emailId);
  if (email === undefined) throw new FaultError('notFound');
  if (email.status === 'pendingSend' || email.status === 'sending')
    throw new FaultError('invalidState', {
      detail: `An email that is ${email.status} cannot be deleted`,
      fix: 'Cancel it first, or wait for the outcome',
    });
  // The event shows the form that is removed, so only that form may be removed.
  if (ifMatch !== undefined && ifMatch !== email.version) throw new FaultError('versionMismatch');
  await store.remove(emailKind, organizationId, emailId, {
    ifMatch: email.version,
    also: [
      ...pointersOf(organizationId, email),
      deletedChangeWrite(
        organizationId,
        createChange('email.deleted', author, now()),
        { type: 'email', id: email.id, externalId: email.externalId },
        email.version,
        presentEmail(email),
      ),
    ],
  });
  await clearFaultAlert(store, organizationId, email, now(), author);
  if (recipientsOf(email).some(({ result }) => result === 'bounced'))
    await clearAlert(store, organizationId, 'bounced', email.id, { now: now(), author });
  await removeListings(store, organizationId, emailId);
  // A crash before this leaves objects that nothing refers to; erasing the organization takes them with it.
  await content.removeAll(emailContentPrefix(organizationId, emailId));
};
