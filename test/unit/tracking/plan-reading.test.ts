import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FolderCursor } from '../../../shared/cycle/cycle.ts';
import { planReading, type ReadingFacts } from '../../../shared/tracking/plan-reading.ts';

const start = '2026-11-20T12:00:00.000Z';
const cursor: FolderCursor = {
  uidValidity: '7',
  source: 'anna',
  reading: 3,
  lastUid: 40,
  knownUpTo: 20,
  since: start,
  processFrom: start,
  uidNext: 41,
  resets: 0,
};
const facts = (changes: Partial<ReadingFacts> = {}): ReadingFacts => ({
  previous: cursor,
  status: { uidValidity: '7', uidNext: 41 },
  source: 'anna',
  processFrom: start,
  decidedUntil: null,
  ...changes,
});

describe('where a folder is read from', () => {
  it('is nowhere when UIDNEXT stands where the last complete read found it', () => {
    expect(planReading(facts())).toEqual({ kind: 'nothing' });
  });

  it('is the cursor when something came, or when the last read did not come to its end', () => {
    const goingOn = { kind: 'goOn', cursor };

    expect(planReading(facts({ status: { uidValidity: '7', uidNext: 44 } }))).toEqual(goingOn);
    expect(planReading(facts({ previous: { ...cursor, lastUid: 12, uidNext: 30 } }))).toMatchObject({ kind: 'goOn' });
  });

  it('is the beginning of a folder that was never read, bounded by the start of tracking', () => {
    expect(planReading(facts({ previous: undefined }))).toMatchObject({
      kind: 'anew',
      reset: false,
      cursor: { reading: 1, lastUid: 0, knownUpTo: 40, since: start, resets: 0 },
    });
  });

  it('is the beginning when UIDVALIDITY changed, bounded by what decisions are still kept for', () => {
    const decidedUntil = '2026-11-22T00:00:00.000Z';

    const reading = planReading(facts({ status: { uidValidity: '8', uidNext: 5 }, decidedUntil }));

    expect(reading).toMatchObject({
      kind: 'anew',
      reset: true,
      cursor: { uidValidity: '8', reading: 4, lastUid: 0, knownUpTo: 4, since: decidedUntil, resets: 1 },
    });
  });

  it('is the beginning when UIDNEXT went back, since UIDs above it would be given again', () => {
    const reading = planReading(facts({ status: { uidValidity: '7', uidNext: 30 } }));

    expect(reading).toMatchObject({ kind: 'anew', reset: true, cursor: { reading: 4, resets: 1 } });
  });

  describe('that has no message and gets another UIDVALIDITY each time it is asked for', () => {
    const empty: FolderCursor = { ...cursor, lastUid: 0, knownUpTo: 0, uidNext: 1 };

    it('is nowhere while it has none', () => {
      const status = { uidValidity: '8', uidNext: 1 };

      expect(planReading(facts({ previous: empty, status }))).toEqual({ kind: 'nothing' });
    });

    it('is the first message, which has come since, under the last identity', () => {
      const status = { uidValidity: '9', uidNext: 2 };

      const reading = planReading(facts({ previous: empty, status }));

      expect(reading).toMatchObject({
        kind: 'goOn',
        cursor: { uidValidity: '9', lastUid: 0, knownUpTo: 0, resets: 0 },
      });
    });

    it('is on as well where such changes were taken for those of messages before', () => {
      const { uidNext: _uidNext, ...given } = { ...empty, resets: 6 };

      const reading = planReading(facts({ previous: given, status: { uidValidity: '8', uidNext: 1 } }));

      expect(reading).toMatchObject({ kind: 'goOn', cursor: { uidValidity: '8', resets: 0 } });
    });

    it('is no longer nowhere once messages came and went, as there may be others now', () => {
      const status = { uidValidity: '8', uidNext: 5 };

      expect(planReading(facts({ previous: { ...empty, uidNext: 5 }, status }))).toMatchObject({ kind: 'goOn' });
    });
  });

  it('is the beginning, without blame for the server, when another login or server is read', () => {
    expect(planReading(facts({ source: 'anna at another host' }))).toMatchObject({
      kind: 'anew',
      reset: false,
      cursor: { source: 'anna at another host', resets: 0 },
    });
  });

  it('is the beginning when the start of tracking moved back, and the cursor when it moved on', () => {
    const earlier = '2026-11-01T00:00:00.000Z';
    const later = '2026-11-23T00:00:00.000Z';

    expect(planReading(facts({ processFrom: earlier }))).toMatchObject({ kind: 'anew', cursor: { since: earlier } });
    expect(planReading(facts({ processFrom: null }))).toMatchObject({ kind: 'anew', cursor: { since: null } });
    expect(planReading(facts({ processFrom: later }))).toEqual({ kind: 'nothing' });
  });

  it('forgets earlier changes of identity once one cycle found the same again', () => {
    expect(planReading(facts({ previous: { ...cursor, resets: 3 } }))).toEqual({ kind: 'goOn', cursor });
  });

  it('never passes over a UID that was not read yet, whatever the server answers', () => {
    const uid = fc.integer({ min: 0, max: 50 });
    const previous = fc.record({
      uidValidity: fc.constantFrom('7', '8'),
      source: fc.constantFrom('anna', 'ben'),
      reading: fc.integer({ min: 1, max: 5 }),
      lastUid: uid,
      knownUpTo: uid,
      since: fc.constantFrom(start, null),
      processFrom: fc.constantFrom(start, null),
      uidNext: fc.option(fc.integer({ min: 1, max: 51 }), { nil: undefined }),
      resets: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(previous, fc.constantFrom('7', '8'), fc.integer({ min: 1, max: 60 }), (one, uidValidity, uidNext) => {
        const { uidNext: seen, ...rest } = one;
        const stored: FolderCursor = seen === undefined ? rest : { ...rest, uidNext: seen };
        const reading = planReading(facts({ previous: stored, status: { uidValidity, uidNext } }));
        const sameMailbox = stored.uidValidity === uidValidity && stored.source === 'anna';
        const nothingKnown = stored.source === 'anna' && stored.lastUid === 0 && stored.knownUpTo === 0;
        if (reading.kind === 'nothing')
          return stored.uidNext === uidNext && (sameMailbox || (nothingKnown && uidNext === 1));
        if (reading.kind === 'goOn')
          return (
            (sameMailbox || nothingKnown) &&
            reading.cursor.uidValidity === uidValidity &&
            reading.cursor.lastUid === stored.lastUid
          );
        return reading.cursor.lastUid === 0 && reading.cursor.reading === stored.reading + 1;
      }),
    );
  });
});
