import { raiseAlert } from '../alert/raise-alert.ts';
import { type DeadLetter, deadLetterExpiry, deadLetterKind } from '../dead-letter/dead-letter.ts';
import { createFault } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { unreadableStep } from './decide-message.ts';
import { decisionIdOf, decisionWrite, noteDecision } from './decision-writes.ts';
import { type MailboxMessage, seedOf } from './mailbox-message.ts';
import type { TrackingRun } from './tracking-run.ts';

/**
 * Puts a message aside with its raw bytes, unparsed, so that nothing behind it waits: a dead letter, a decision and an
 * alert. Repeated after a crash it writes the same again.
 *
 * @param attempts how often it was tried
 */
export const setAsideMessage = async (
  run: TrackingRun,
  message: MailboxMessage,
  reason: string,
  attempts: number,
): Promise<void> => {
  const { organization, mailbox, store, content, session } = run;
  const { folder, uidValidity, uid } = message;
  const id = deriveIdentifier(
    deadLetterKind.prefix,
    message.receivedAt.getTime(),
    `${seedOf(mailbox.id, message)}#${uidValidity}#${uid}`,
  );
  const rawKey = `${organization.id}/dead-letters/${id}.eml`;
  const sizeBytes = await content.putStream(rawKey, session.streamMessage(folder, uid), 'message/rfc822');
  const now = run.now();
  const at = now.toISOString();
  const fault = createFault('unreadable', { detail: reason });
  const letter: DeadLetter = {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    kind: 'email',
    mailboxId: mailbox.id,
    fault,
    attempts,
    firstAt: at,
    lastAt: at,
    remote: { folder, uidValidity, uid },
    direction: message.direction,
    receivedAt: message.receivedAt.toISOString(),
    decisionId: decisionIdOf(mailbox.id, message),
    sizeBytes,
    rawKey,
    status: 'open',
    discardReason: null,
    keptUntil: new Date(now.getTime() + organization.settings.retention.deadLetterDays * 86_400_000).toISOString(),
  };
  const expiresAt = deadLetterExpiry(letter);
  const [letterWrite] = store.writesOf(deadLetterKind, organization.id, undefined, letter, { expiresAt });
  if (letterWrite === undefined || !('put' in letterWrite)) throw new Error('A dead letter is one item');
  await store.table.write([{ put: letterWrite.put }]);
  const decided = { outcome: 'setAside', code: 'unreadable', emailId: null, steps: [unreadableStep(reason)] } as const;
  await noteDecision(store, decisionWrite(store, organization, mailbox, message, decided, now));
  await raiseAlert(store, {
    organizationId: organization.id,
    level: 'error',
    scope: 'email',
    fault,
    subject: { type: 'deadLetter', id },
    mailboxId: mailbox.id,
    now,
  });
};
