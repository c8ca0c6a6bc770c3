import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FolderCursor } from '../../../shared/cycle/cycle.ts';
import { rereadCursors } from '../../../shared/recovery/reread-cursors.ts';

const since = '2026-11-20T00:00:00.000Z';

const cursorWith = (fields: Partial<FolderCursor>): FolderCursor => ({
  uidValidity: '1',
  source: 'server',
  reading: 3,
  lastUid: 40,
  knownUpTo: 10,
  since: null,
  processFrom: '2026-01-01T00:00:00.000Z',
  uidNext: 41,
  resets: 0,
  ...fields,
});

const reread = (fields: Partial<FolderCursor>): FolderCursor | undefined =>
  rereadCursors({ INBOX: cursorWith(fields) }, since)['INBOX'];

const instants = fc
  .date({ min: new Date('2026-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());

describe('cursors of a mailbox after a restore', () => {
  it('read what had been read again from the instant on, and what had not been read whatever its date', () => {
    expect(reread({})).toMatchObject({ reading: 4, lastUid: 0, knownUpTo: 40, since });
    expect(reread({})?.uidNext).toBeUndefined();
  });

  it('do not go back before the start of tracking', () => {
    const processFrom = '2026-11-22T00:00:00.000Z';

    expect(reread({ processFrom })?.since).toBe(processFrom);
  });

  it('leave a reading under way as far back as it began', () => {
    const began = '2026-03-01T00:00:00.000Z';

    expect(reread({ lastUid: 5, knownUpTo: 30, since: began })).toMatchObject({ knownUpTo: 30, since: began });
    expect(reread({ lastUid: 5, knownUpTo: 30, since: null, processFrom: null })?.since).toBeNull();
  });

  it('never leave out what an unread message up to there could be', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.nat(100),
        fc.option(instants),
        fc.option(instants),
        (lastUid, knownUpTo, began, processFrom) => {
          const next = reread({ lastUid, knownUpTo, since: began, processFrom });
          const isUnderWay = lastUid < knownUpTo;

          expect(next?.knownUpTo).toBe(Math.max(lastUid, knownUpTo));
          if (next?.since != null && processFrom !== next.since) expect(next.since <= since).toBe(true);
          if (isUnderWay && began === null && processFrom === null) expect(next?.since).toBeNull();
        },
      ),
    );
  });
});
