import { systemAuthor } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { identifierAt } from '../platform/identifier.ts';
import { ofItem } from '../tracking/item-error.ts';
import type { MailboxMessage } from '../tracking/mailbox-message.ts';
import { closeDeadLetter } from './close-dead-letter.ts';
import { type DeadLetter, deadLetterKind } from './dead-letter.ts';
import { messageOfLetter } from './message-of-letter.ts';

const mostAtOneInstant = 100;

/** Which message was set aside once. */
export interface SetAsideMessage {
  readonly mailboxId: string;
  readonly receivedAt: Date;
  readonly decisionId: string | undefined;
  /** Where it stands, where that is known. */
  readonly place: DeadLetter['remote'] | undefined;
}

const isOf = (letter: DeadLetter, { mailboxId, decisionId, place }: SetAsideMessage): boolean =>
  letter.kind === 'email' &&
  letter.status === 'open' &&
  letter.mailboxId === mailboxId &&
  (letter.decisionId === decisionId ||
    (letter.remote.folder === place?.folder &&
      letter.remote.uidValidity === place.uidValidity &&
      letter.remote.uid === place.uid));

/** Their identifiers begin with the instant at which the message was received. */
const findLettersOf = async (
  store: EntityStore,
  organizationId: string,
  message: SetAsideMessage,
): Promise<readonly DeadLetter[]> => {
  const received = message.receivedAt.getTime();
  const { items } = await store.list(deadLetterKind, organizationId, {
    from: identifierAt(deadLetterKind.prefix, received),
    to: identifierAt(deadLetterKind.prefix, received + 1),
    limit: mostAtOneInstant,
  });
  return items.filter((letter) => isOf(letter, message));
};

/** The bytes that were kept of a message that was set aside; undefined: there are none. */
export const readSetAside = async (
  { store, content }: { readonly store: EntityStore; readonly content: ContentStore },
  organizationId: string,
  message: SetAsideMessage,
): Promise<{ readonly message: MailboxMessage; readonly raw: Buffer } | undefined> => {
  const letter = (await findLettersOf(store, organizationId, message)).find(({ sizeBytes }) => sizeBytes > 0);
  const stored = letter === undefined ? undefined : await content.read(letter.rawKey);
  if (letter === undefined || stored === undefined) return undefined;
  const raw = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  return { message: ofItem(() => messageOfLetter(letter, raw)), raw };
};

/** Ends the dead letters of a message that became an email without them being replayed. Can be repeated. */
export const resolveLettersOf = async (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  organizationId: string,
  message: SetAsideMessage,
): Promise<void> => {
  for (const { id } of await findLettersOf(store, organizationId, message))
    await closeDeadLetter({ store, now, author: systemAuthor }, organizationId, id, { status: 'resolved' });
};
