import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { findIncompatibilities } from '../../release/compare-schemas.ts';

const compare = (writer: z.ZodType, reader: z.ZodType): readonly string[] =>
  findIncompatibilities(z.toJSONSchema(writer, { io: 'output' }), z.toJSONSchema(reader, { io: 'input' }), 'item');

const shape = {
  v: z.literal(1),
  state: z.enum(['on', 'off']),
  due: z.number().nullable(),
  note: z.string().optional(),
};

describe('what one release writes and another reads', () => {
  it('fits where both are the same', () => {
    expect(compare(z.object(shape), z.object(shape))).toEqual([]);
  });

  it.each<[string, z.ZodType]>([
    ['a field more', z.object({ ...shape, further: z.string() })],
    ['a field less that need not be there', z.object({ v: shape.v, state: shape.state, due: shape.due })],
    ['a value less', z.object({ ...shape, state: z.enum(['on']) })],
    ['a number that is never null', z.object({ ...shape, due: z.int() })],
  ])('fits where the writer has %s', (_, writer) => {
    expect(compare(writer, z.object(shape))).toEqual([]);
  });

  it.each<[string, z.ZodType, string]>([
    [
      'a value more',
      z.object({ ...shape, state: z.enum(['on', 'off', 'paused']) }),
      'item.state: "paused" is written, and not read',
    ],
    ['another version', z.object({ ...shape, v: z.literal(2) }), 'item.v: 2 is written, and not read'],
    [
      'left out a field',
      z.object({ v: shape.v, state: shape.state }),
      'item.due: is read always, and not always written',
    ],
    ['another type', z.object({ ...shape, due: z.string() }), 'item.due: string is written, number is read'],
    [
      'null where there was a text',
      z.object({ ...shape, note: z.string().nullable() }),
      'item.note: null is written, string is read',
    ],
  ])('does not fit where the writer has %s', (_, writer, complaint) => {
    expect(compare(writer, z.object(shape))).toEqual([complaint]);
  });

  it('does not fit where the reader allows no further field, a shorter text or another form', () => {
    expect(compare(z.object({ ...shape, further: z.string() }), z.strictObject(shape))).toHaveLength(1);
    expect(compare(z.object({ a: z.string() }), z.object({ a: z.string().max(5) }))).toHaveLength(1);
    expect(compare(z.object({ a: z.string() }), z.object({ a: z.iso.datetime() })).length).toBeGreaterThan(0);
    expect(compare(z.array(z.string()), z.array(z.number()))).toHaveLength(1);
    expect(compare(z.record(z.string(), z.string()), z.record(z.string(), z.number()))).toHaveLength(1);
    expect(compare(z.union([z.string(), z.null()]), z.union([z.number(), z.null()]))).toHaveLength(1);
  });
});
