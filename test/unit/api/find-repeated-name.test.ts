import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRepeatedName } from '../../../functions/api/find-repeated-name.ts';
import { processorTimeOf } from '../../support/processor-time.ts';

describe('a field that is given twice', () => {
  it.each<[string, readonly (string | number)[]]>([
    ['{"a":1,"a":2}', ['a']],
    [String.raw`{"a":1,"\u0061":2}`, ['a']],
    ['{"__proto__":1,"__proto__":2}', ['__proto__']],
    ['[0,{"a":{"b":[{"c":1},{"c":1,"d":"}","c":2}]}}]', [1, 'a', 'b', 1, 'c']],
    [String.raw`{"a\"":"\\","a\"":1}`, ['a"']],
    ['{"":1,"":2}', ['']],
  ])('is found in %s', (text, path) => {
    expect(findRepeatedName(text)).toEqual(path);
  });

  it.each([
    '{}',
    '[]',
    '"a"',
    '1',
    'null',
    '{"a":{"a":{"a":[]}},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
  ])('is not seen in %s', (text) => {
    expect(findRepeatedName(text)).toBeUndefined();
  });

  it('is never seen in what was written by a program that cannot repeat one', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(4), (text, space) => {
        expect(findRepeatedName(JSON.stringify(JSON.parse(text), null, space))).toBeUndefined();
      }),
    );
  });

  it('is found wherever one is put in again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.array(fc.string()), (object, path) => {
        const inner = JSON.stringify(object);
        const [name] = Object.keys(object);
        const twice = `${inner.slice(0, -1)},${JSON.stringify(name)}:0}`;
        const text = path.reduceRight((within, token) => `{${JSON.stringify(token)}:${within}}`, twice);
        expect(findRepeatedName(text)).toEqual([...path, name]);
      }),
    );
  });

  it('costs little, whatever the depth', () => {
    const depth = 500_000;
    const text = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(processorTimeOf(() => expect(findRepeatedName(text)).toBeUndefined())).toBeLessThan(5_000);
  });
});
