import { describe, expect, it } from 'vitest';
import { findIncompatibilities, type JsonSchema } from '../../release/compare-schemas.ts';
import { type Contract, describeContract } from '../../release/contract.ts';
import { lastRelease, readRelease } from '../../release/golden-set.ts';

const released = readRelease('contract.json') as Contract;
const today = describeContract();
/** For whoever meets a failure here. */
const advice = `Upgrade in docs/deploy.md tells how a form changes over releases; while ${lastRelease} is not released itself, record it anew: npm run release:record`;

describe(`the code beside release ${lastRelease}, while both run`, () => {
  it.each(Object.keys(released))('reads what the release writes: %s', (name) => {
    const form = today[name];
    expect(form, 'the release writes it, so it must be read').toBeDefined();
    expect(findIncompatibilities(released[name]?.writes ?? {}, form?.reads ?? {}, name), advice).toEqual([]);
  });

  it.each(Object.keys(released))('writes what the release reads: %s', (name) => {
    expect(findIncompatibilities(today[name]?.writes ?? {}, released[name]?.reads ?? {}, name), advice).toEqual([]);
  });
});

/** Places where a further field is refused. */
const findClosed = (schema: JsonSchema, place: string): readonly string[] => {
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => (schema[keyword] ?? []) as readonly JsonSchema[]);
  const fields = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  const { items, additionalProperties } = schema;
  const others = [items, additionalProperties].filter((one) => typeof one === 'object' && one !== null) as JsonSchema[];
  return [
    ...(additionalProperties === false ? [place] : []),
    ...[...inner, ...others].flatMap((one) => findClosed(one, place)),
    ...fields.flatMap(([name, one]) => findClosed(one, `${place}.${name}`)),
  ];
};

describe('the code after a roll back', () => {
  it.each(Object.keys(today))('takes what a later release has added to %s', (name) => {
    expect(findClosed(today[name]?.reads ?? {}, name)).toEqual([]);
  });
});
