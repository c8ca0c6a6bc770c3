import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { applyMergePatch, patchSchemaOf } from '../../../shared/platform/merge-patch.ts';

describe('applyMergePatch', () => {
  it.each([
    // The examples of RFC 7396, appendix A.
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched with %j is %j', (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });

  it('takes a key named __proto__ as data', () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"admin":true}}'));

    expect((patched as { admin?: boolean }).admin).toBeUndefined();
  });

  it('is repeated without effect', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = applyMergePatch(target, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

describe('patchSchemaOf', () => {
  const whole = z.object({
    name: z.string().min(1),
    limit: z.int().min(1).default(10),
    nested: z.object({ on: z.boolean().default(true), note: z.string().nullable().default(null) }).prefault({}),
    list: z.array(z.string()).default([]),
  });
  const patch = patchSchemaOf(whole);

  it('fills nothing in', () => {
    expect(patch.parse({})).toEqual({});
    expect(patch.parse({ nested: {} })).toEqual({ nested: {} });
  });

  it('takes null for every field, and the whole schema then gives the default', () => {
    const merged = applyMergePatch(
      { name: 'a', limit: 3, nested: { on: false }, list: ['x'] },
      patch.parse({ limit: null, nested: { on: null }, list: null }),
    );

    expect(whole.parse(merged)).toEqual({ name: 'a', limit: 10, nested: { on: true, note: null }, list: [] });
  });

  it('keeps the limits of each field', () => {
    expect(patch.safeParse({ limit: 0 }).success).toBe(false);
    expect(patch.safeParse({ name: '' }).success).toBe(false);
  });

  it('refuses unknown fields at every level', () => {
    expect(patch.safeParse({ other: 1 }).success).toBe(false);
    expect(patch.safeParse({ nested: { other: 1 } }).success).toBe(false);
  });
});
