import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { cycleSchema } from '../../../shared/cycle/cycle.ts';
import { keepUnknownFields, rememberStored } from '../../../shared/platform/keep-unknown-fields.ts';

const schema = z.object({
  name: z.string(),
  note: z.string().optional(),
  inner: z.object({ size: z.number() }),
  counts: z.record(z.string(), z.number()),
});

const read = (stored: unknown) => rememberStored(schema.parse(stored), stored);

describe('an item that is read, changed and written whole', () => {
  const stored = {
    name: 'one',
    note: 'to go',
    inner: { size: 1, colour: 'red' },
    counts: { a: 1, b: 2 },
    further: ['of', { another: 'release' }],
  };

  it('keeps the fields that this code does not know, and those alone', () => {
    const { note: _note, ...current } = read(stored);
    const before = read(stored);

    const next = keepUnknownFields(before, { ...current, name: 'two', inner: { size: 2 }, counts: { a: 1 } });

    expect(next).toEqual({
      name: 'two',
      inner: { size: 2, colour: 'red' },
      counts: { a: 1 },
      further: ['of', { another: 'release' }],
    });
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'keeps a field named %s like any other',
    (name) => {
      const before = read({ ...stored, further: undefined, ...Object.fromEntries([[name, { a: 1 }]]) });

      const next = keepUnknownFields(before, { name: 'two', inner: { size: 2 }, counts: { a: 1 } });

      expect(Object.getOwnPropertyDescriptor(next, name)?.value).toEqual({ a: 1 });
      expect(Object.getPrototypeOf(next)).toBe(Object.prototype);
    },
  );

  it('is written as it is where nothing was read before', () => {
    expect(keepUnknownFields(undefined, { name: 'new' })).toEqual({ name: 'new' });
    expect(keepUnknownFields({ name: 'not from the table' }, { name: 'new' })).toEqual({ name: 'new' });
  });

  it('is what was to be written wherever this code knows the fields', () => {
    // A schema never reads this name.
    const names = fc.string().filter((name) => name !== '__proto__');
    // A note that is no text would be no item of this schema.
    const unknown = fc.string().filter((name) => name !== 'note');
    const known = fc.record({
      name: fc.string(),
      inner: fc.record({ size: fc.integer() }),
      counts: fc.dictionary(names, fc.integer()),
    });
    fc.assert(
      fc.property(known, known, fc.dictionary(unknown, fc.jsonValue()), (before, after, further) => {
        const item = { ...further, ...before };
        expect(schema.parse(keepUnknownFields(read(item), after))).toEqual(after);
      }),
    );
  });
});

describe('the cursor of a folder', () => {
  it('keeps what a later release has put there', () => {
    const cursor = {
      uidValidity: '1',
      source: 'server',
      reading: 1,
      lastUid: 4,
      knownUpTo: 0,
      since: null,
      processFrom: null,
      resets: 0,
      ofALaterRelease: 'kept',
    };
    const cycle = cycleSchema.parse({
      v: 1,
      organizationId: 'org_1',
      mailboxId: 'mbx_1',
      workload: 'incoming',
      enabled: true,
      generation: 1,
      due: 1,
      wakes: 0,
      serverProfileId: 'prf_1',
      consecutiveFailures: 0,
      idleCycles: 0,
      cursors: { INBOX: cursor },
    });

    expect({ ...cycle.cursors['INBOX'], lastUid: 5 }).toEqual({ ...cursor, lastUid: 5 });
  });
});
