import type { FolderCursor } from '../cycle/cycle.ts';
import { recordKey } from '../platform/records-table.ts';
import { decisionKind } from './decision.ts';
import { decisionIdOf } from './decision-writes.ts';
import type { TrackedFolder } from './fetch-window.ts';
import { withFormerDecisions } from './former-decisions.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingRun } from './tracking-run.ts';

const dayMilliseconds = 86_400_000;

/** From when on messages may be looked at; servers search by days and know no time zone (RFC 3501 section 6.4.4). */
export const searchedSince = ({ since }: FolderCursor): Date | undefined =>
  since === null ? undefined : new Date(Date.parse(since) - dayMilliseconds);

/**
 * When a folder is read anew, what was decided before stays so: tracked mail is not tracked again, and settings that
 * have changed since do not pull in what was skipped. Only mail from before an earlier start is decided again. What is too
 * old to be looked at is left out where the server could not do that itself.
 */
export const withoutDecided = async (
  { organization, mailbox, store }: Pick<TrackingRun, 'organization' | 'mailbox' | 'store'>,
  folder: TrackedFolder,
  cursor: FolderCursor,
  messages: readonly MailboxMessage[],
): Promise<readonly MailboxMessage[]> => {
  if (folder.manual !== undefined) {
    // Where all mail is tracked only what was tracked in this very folder stays as it is.
    const asked = await withFormerDecisions({ organization, mailbox, store }, messages, ['INBOX']);
    return asked.filter(
      ({ uid, previous }) =>
        uid > cursor.knownUpTo || previous?.outcome === 'skipped' || previous?.folder !== folder.path,
    );
  }
  const since = searchedSince(cursor)?.getTime() ?? Number.NEGATIVE_INFINITY;
  const open = messages.filter(({ uid, receivedAt }) => uid > cursor.knownUpTo || receivedAt.getTime() >= since);
  const asked = new Map(
    open.filter(({ uid }) => uid <= cursor.knownUpTo).map((one) => [one.uid, decisionIdOf(mailbox.id, one)]),
  );
  if (asked.size === 0) return open;
  const keys = [...new Set(asked.values())].map((id) => recordKey(organization.id, decisionKind.kind, id));
  const decided = new Set<string>();
  for (const item of await store.table.getMany(keys)) {
    const { id, code } = decisionKind.parse(item['entity']);
    if (code !== 'beforeProcessFrom') decided.add(id);
  }
  return open.filter(({ uid }) => !decided.has(asked.get(uid) ?? ''));
};
