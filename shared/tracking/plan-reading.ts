import type { FolderCursor } from '../cycle/cycle.ts';
import type { FolderStatus } from '../transport/mailbox-session.ts';

/** What decides from where a folder is read. Instants are ISO texts. */
export interface ReadingFacts {
  readonly previous: FolderCursor | undefined;
  readonly status: Pick<FolderStatus, 'uidValidity' | 'uidNext'>;
  /** Tells the mailbox on its server from every other one. */
  readonly source: string;
  /** Mail received earlier is not tracked; null: all mail is. */
  readonly processFrom: string | null;
  /** Decisions about mail that was seen before this are no longer kept; null: there was no cycle yet. */
  readonly decidedUntil: string | null;
}

export type Reading =
  /** Nothing came since the folder was last read to its end. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'goOn'; readonly cursor: FolderCursor }
  /** `reset`: the server gave the folder a new identity. */
  | { readonly kind: 'anew'; readonly cursor: FolderCursor; readonly reset: boolean };

const later = (one: string | null, other: string | null): string | null => {
  if (one === null || other === null) return one ?? other;
  return one > other ? one : other;
};

const isEarlier = (one: string | null, other: string | null): boolean =>
  other !== null && (one === null || one < other);

/**
 * No UID of it is known. Some servers give such a folder another UIDVALIDITY each time they are asked, until the first
 * message is in it (Courier does): no message that is known has become another one by that.
 */
const holdsNothingKnown = ({ lastUid, knownUpTo }: FolderCursor): boolean => lastUid === 0 && knownUpTo === 0;

/** What is known of a folder without messages, under another identity. */
const renamed = (previous: FolderCursor, uidValidity: string): FolderCursor => {
  const { uidNext: _uidNext, category: _category, withheld: _withheld, ...cursor } = previous;
  return { ...cursor, uidValidity };
};

/**
 * From where a folder is read: on from its cursor, or anew. A new identity (RFC 3501 section 2.3.1.1) makes every UID
 * mean another message; so does a UIDNEXT that went back, which that section forbids and restored backups do. Whatever
 * was known before is recognised while the folder is read anew, so none of it is replayed.
 */
export const planReading = (facts: ReadingFacts): Reading => {
  const { previous, status, source, processFrom } = facts;
  const begin = (reset: boolean, bound: string | null): Reading => ({
    kind: 'anew',
    reset,
    cursor: {
      uidValidity: status.uidValidity,
      source,
      reading: (previous?.reading ?? 0) + 1,
      lastUid: 0,
      knownUpTo: Math.max(0, status.uidNext - 1),
      since: later(processFrom, bound),
      processFrom,
      resets: reset ? (previous?.resets ?? 0) + 1 : 0,
    },
  });
  if (previous === undefined) return begin(false, null);
  if (previous.source !== source) return begin(false, facts.decidedUntil);
  const wentBack = status.uidNext < (previous.uidNext ?? 0) || status.uidNext <= previous.lastUid;
  const hasChanged = previous.uidValidity !== status.uidValidity || wentBack;
  if (hasChanged && !holdsNothingKnown(previous)) return begin(true, facts.decidedUntil);
  if (isEarlier(processFrom, previous.processFrom)) return begin(false, null);
  const atEnd = previous.uidNext === status.uidNext && previous.lastUid >= previous.knownUpTo;
  const isEmpty = status.uidNext === 1;
  if (atEnd && previous.resets === 0 && (!hasChanged || isEmpty)) return { kind: 'nothing' };
  const cursor = hasChanged ? renamed(previous, status.uidValidity) : previous;
  return { kind: 'goOn', cursor: { ...cursor, processFrom, resets: 0 } };
};
