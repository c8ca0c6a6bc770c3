import { describe, expect, it } from 'vitest';
import { findIncompatibilities } from '../../release/compare-schemas.ts';
import { type Contract, describeContract } from '../../release/contract.ts';
import { lastRelease, readRelease } from '../../release/golden-set.ts';

const released = readRelease('contract.json') as Contract;
const today = describeContract();

describe(`the code beside release ${lastRelease}, while both run`, () => {
  it.each(Object.keys(released))('reads what the release writes: %s', (name) => {
    const form = today[name];
    expect(form, 'the release writes it, so it must be read').toBeDefined();
    expect(findIncompatibilities(released[name]?.writes ?? {}, form?.reads ?? {}, name)).toEqual([]);
  });

  it.each(Object.keys(released))('writes what the release reads: %s', (name) => {
    expect(findIncompatibilities(today[name]?.writes ?? {}, released[name]?.reads ?? {}, name)).toEqual([]);
  });
});
