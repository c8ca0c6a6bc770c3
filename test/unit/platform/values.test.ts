import { describe, expect, it } from 'vitest';
import { instantSchema } from '../../../shared/platform/values.ts';

describe('an instant', () => {
  it('is written in UTC with milliseconds, in whatever zone it was given', () => {
    const given = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00.123456+01:00', '9999-12-31T22:59:59-01:00'];

    expect(given.map((text) => instantSchema.parse(text))).toEqual([
      '2026-01-01T00:00:00.000Z',
      '2026-01-01T00:00:00.123Z',
      '9999-12-31T23:59:59.000Z',
    ]);
  });

  it.each(['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00'])(
    'is none where its offset leads out of the years of four digits: %s',
    (text) => {
      expect(instantSchema.safeParse(text).success).toBe(false);
    },
  );

  it.each(['2026-01-01', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00'])('is not %s', (text) => {
    expect(instantSchema.safeParse(text).success).toBe(false);
  });
});
