import type { Cycle, FolderCursor } from '../cycle/cycle.ts';

type Instant = string | null;

const earlier = (one: Instant, other: string): Instant => (one === null || one < other ? one : other);

const later = (one: Instant, other: Instant): Instant =>
  one === null || (other !== null && one < other) ? other : one;

const rereadCursor = (cursor: FolderCursor, since: string): FolderCursor => {
  const { uidNext: _uidNext, listing: _listing, withheld: _withheld, ...kept } = cursor;
  // What a reading under way had not come to yet may be older than all that came since the backup.
  const from = cursor.lastUid < cursor.knownUpTo ? earlier(cursor.since, since) : since;
  return {
    ...kept,
    reading: cursor.reading + 1,
    lastUid: 0,
    knownUpTo: Math.max(cursor.knownUpTo, cursor.lastUid),
    since: later(cursor.processFrom, from),
  };
};

/**
 * Cursors that read their folders anew: all that had not been read, and of what had been, all that the server received
 * since an instant (ISO text). What has a decision is passed over, and what is an email already is recognised. Pure.
 */
export const rereadCursors = (cursors: Cycle['cursors'], since: string): Cycle['cursors'] =>
  Object.fromEntries(Object.entries(cursors).map(([folder, cursor]) => [folder, rereadCursor(cursor, since)]));
