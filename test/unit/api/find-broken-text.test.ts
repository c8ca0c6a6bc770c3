import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBrokenText } from '../../../functions/api/find-broken-text.ts';

describe('half a character', () => {
  it.each<[string, readonly (string | number)[]]>([
    [String.raw`"\ud83d"`, []],
    [String.raw`{"subject":"Hello \ud83d"}`, ['subject']],
    [String.raw`{"subject":"\ude00\ud83d"}`, ['subject']],
    [String.raw`{"to":[{"name":"Carl"},{"name":"\udc00"}],"cc":"\ud800"}`, ['to', 1, 'name']],
    [String.raw`{"a":{"\ud83d":1}}`, ['a']],
    [String.raw`{"__proto__":["\ud83d"]}`, ['__proto__', 0]],
  ])('is found in %s', (text, path) => {
    expect(findBrokenText(JSON.parse(text))).toEqual(path);
  });

  it.each([String.raw`"\ud83d\ude00"`, '"😀"', '{"\u{1f600}":["é",1,null,true,{}]}', '[]', '0'])(
    'is not seen in %s',
    (text) => {
      expect(findBrokenText(JSON.parse(text))).toBeUndefined();
    },
  );

  it('is never seen in what was whole, and found wherever one is put in', () => {
    const whole = fc.jsonValue({ stringUnit: 'binary' });
    fc.assert(
      fc.property(whole, fc.array(fc.oneof(fc.string(), fc.nat(3))), (value, path) => {
        expect(findBrokenText(value)).toBeUndefined();
        const nest = (tokens: readonly (string | number)[]): unknown => {
          const [token, ...rest] = tokens;
          if (token === undefined) return 'a\ud83d';
          return typeof token === 'number'
            ? [...Array.from({ length: token }, () => value), nest(rest)]
            : Object.fromEntries([[token, nest(rest)]]);
        };
        expect(findBrokenText(nest(path))).toEqual(path);
      }),
    );
  });

  it('is looked for at any depth', () => {
    const depth = 200_000;

    expect(findBrokenText(JSON.parse(`${'['.repeat(depth)}"\\ud800"${']'.repeat(depth)}`))).toHaveLength(depth);
  });
});
