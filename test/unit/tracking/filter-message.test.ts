import { describe, expect, it } from 'vitest';
import { type FilteringFacts, filterMessage } from '../../../shared/tracking/filter-message.ts';
import type { TrackingOwner } from '../../../shared/tracking/tracking-owner.ts';
import { defaultSettings } from '../../support/default-settings.ts';

const owner = (id: string, filtering: TrackingOwner['filtering']): TrackingOwner => ({
  type: 'user',
  id,
  externalId: null,
  name: id,
  active: true,
  filtering,
  emailOwner: null,
  autoCreate: null,
});

const contact = {
  type: 'contact',
  id: 'rec_1',
  externalId: null,
  displayName: 'Carl',
} as FilteringFacts['counterparts'][number];
const supplier = { ...contact, type: 'supplier', displayName: 'Sue' };

const facts = (filtering: TrackingOwner['filtering'], changes: Partial<FilteringFacts> = {}): FilteringFacts => ({
  owners: [{ owner: owner('anna', filtering), field: 'to' }],
  mailboxOwnerId: 'anna',
  correlationMethod: undefined,
  counterparts: [],
  ambiguous: false,
  ...changes,
});
const { tracking } = defaultSettings;

describe('filtering', () => {
  it.each([
    ['all', {}, undefined],
    ['none', { correlationMethod: 'inReplyTo', counterparts: [contact] }, 'filteredNone'],
    ['responses', {}, 'filteredResponses'],
    ['responses', { correlationMethod: 'token' }, undefined],
    ['responses', { counterparts: [contact] }, 'filteredResponses'],
    ['knownSenders', { counterparts: [contact] }, undefined],
    ['knownSenders', { counterparts: [supplier] }, 'filteredKnownSenders'],
    ['knownSenders', { correlationMethod: 'inReplyTo' }, 'filteredKnownSenders'],
    ['knownSenders', { ambiguous: true }, 'ambiguousSender'],
    ['emailEnabledRecords', { counterparts: [supplier] }, undefined],
    ['emailEnabledRecords', {}, 'filteredEmailEnabled'],
  ] as const)('%s with %o gives %s', (filtering, changes, code) => {
    expect(filterMessage(facts(filtering, changes), tracking).outcome.code).toBe(code);
  });

  it('lets answers through to the two methods that look at the sender, where the organization says so', () => {
    const settings = { ...tracking, responsesAlways: true };
    const answer = { correlationMethod: 'inReplyTo' as const };

    const outcomes = (['knownSenders', 'emailEnabledRecords', 'none'] as const).map(
      (filtering) => filterMessage(facts(filtering, answer), settings).outcome.code,
    );

    expect(outcomes).toEqual([undefined, undefined, 'filteredNone']);
  });

  it('asks every recipient, and names the owner of the mailbox first', () => {
    const owners = [
      { owner: owner('ben', 'all'), field: 'to' as const },
      { owner: owner('anna', 'all'), field: 'cc' as const },
      { owner: owner('eve', 'none'), field: 'cc' as const },
    ];

    const { accepting } = filterMessage(facts('all', { owners }), tracking);

    expect(accepting.map(({ owner: { id } }) => id)).toEqual(['anna', 'ben']);
  });

  it('accepts for another recipient although the owner of the mailbox would not', () => {
    const owners = [
      { owner: owner('anna', 'none'), field: 'to' as const },
      { owner: owner('ben', 'all'), field: 'to' as const },
    ];
    const only = { ...tracking, onlySynchronizingMailboxDecides: true };

    expect(filterMessage(facts('none', { owners }), tracking).outcome.code).toBeUndefined();
    expect(filterMessage(facts('none', { owners }), only).outcome.code).toBe('filteredNone');
  });
});
