import { describe, expect, it } from 'vitest';
import type { AddressEntry } from '../../../shared/record/address-entry.ts';
import {
  chooseRecipients,
  chooseSender,
  type RankingContext,
  type ResolutionSettings,
  rankCandidates,
} from '../../../shared/record/rank-candidates.ts';
import { defaultSettings } from '../../support/default-settings.ts';

const entryOf = (type: string, changes: Partial<AddressEntry> = {}): AddressEntry => ({
  type,
  id: `${type}-1`,
  externalId: null,
  displayName: type,
  ownerId: null,
  status: 'active',
  createdAt: '2026-01-01T00:00:00.000Z',
  emailEnabled: true,
  ...changes,
});

const contextOf = (
  settings: Partial<ResolutionSettings> = {},
  more: Partial<Omit<RankingContext, 'settings'>> = {},
): RankingContext => ({
  settings: { ...defaultSettings.resolution, ...settings },
  ownTypeRanks: new Map(),
  ...more,
});

const senderOf = (entries: readonly AddressEntry[], context = contextOf()) =>
  chooseSender(rankCandidates(entries, context), context);

const recipientsOf = (entries: readonly AddressEntry[], context = contextOf()) =>
  chooseRecipients(rankCandidates(entries, context), context);

describe('the order of candidates', () => {
  it('is user, contact, account, lead, equipment, team, business unit, then whatever else has email', () => {
    const types = ['partner', 'businessUnit', 'team', 'equipment', 'lead', 'account', 'contact', 'user'];

    const ranked = rankCandidates(
      types.map((type) => entryOf(type)),
      contextOf(),
    );

    expect(ranked.map(({ type }) => type)).toEqual(types.toReversed());
  });

  it('puts what the owner of the tracked mailbox owns before everything else', () => {
    const entries = [entryOf('user'), entryOf('lead', { ownerId: 'usr_anna' })];

    const ranked = rankCandidates(entries, contextOf({}, { mailboxOwnerId: 'usr_anna' }));

    expect(ranked.map(({ type }) => type)).toEqual(['lead', 'user']);
  });

  it('follows the rank that the CRM gave to its own types', () => {
    const entries = [entryOf('partner'), entryOf('dealer'), entryOf('member')];
    const ownTypeRanks = new Map([
      ['member', 1],
      ['dealer', 2],
    ]);

    const ranked = rankCandidates(entries, contextOf({}, { ownTypeRanks }));

    expect(ranked.map(({ type }) => type)).toEqual(['member', 'dealer', 'partner']);
  });

  it('puts the older of two equal records first', () => {
    const younger = entryOf('contact', { id: 'a', createdAt: '2026-05-01T00:00:00.000Z' });
    const older = entryOf('contact', { id: 'b', createdAt: '2025-05-01T00:00:00.000Z' });

    expect(rankCandidates([younger, older], contextOf())).toEqual([older, younger]);
  });

  it('leaves out types that take no part in email', () => {
    expect(rankCandidates([entryOf('opportunity', { emailEnabled: false })], contextOf())).toEqual([]);
  });
});

describe('the sender', () => {
  it('is unresolved when nobody has the address', () => {
    expect(senderOf([])).toEqual({ chosen: undefined, reason: 'noMatch' });
  });

  it('is a lone match even when it is inactive', () => {
    const choice = senderOf([entryOf('contact', { status: 'inactive' })]);

    expect(choice).toMatchObject({ chosen: { type: 'contact' }, reason: 'onlyMatch' });
  });

  it('is the first active one of several', () => {
    const choice = senderOf([entryOf('user', { status: 'inactive' }), entryOf('lead'), entryOf('account')]);

    expect(choice).toMatchObject({ chosen: { type: 'account' }, reason: 'rank' });
  });

  it('may be inactive among several where the organization wants it', () => {
    const entries = [entryOf('user', { status: 'inactive' }), entryOf('account')];

    expect(senderOf(entries, contextOf({ inactiveRecords: true }))).toMatchObject({ chosen: { type: 'user' } });
  });

  it('is unresolved when several have the address and none is active', () => {
    const entries = [entryOf('contact', { status: 'inactive' }), entryOf('lead', { status: 'inactive' })];

    expect(senderOf(entries)).toEqual({ chosen: undefined, reason: 'allInactive' });
  });

  it('says that ownership decided', () => {
    const context = contextOf({}, { mailboxOwnerId: 'tea_support' });

    expect(senderOf([entryOf('user'), entryOf('contact', { ownerId: 'tea_support' })], context)).toMatchObject({
      chosen: { type: 'contact' },
      reason: 'ownedByMailboxOwner',
    });
  });

  it('does not let an inactive record of the owner win over an active one', () => {
    const context = contextOf({}, { mailboxOwnerId: 'usr_anna' });
    const entries = [entryOf('contact', { ownerId: 'usr_anna', status: 'inactive' }), entryOf('lead'), entryOf('user')];

    expect(senderOf(entries, context)).toMatchObject({ chosen: { type: 'user' }, reason: 'rank' });
  });

  it('stays unresolved on any ambiguity where the organization wants it', () => {
    const context = contextOf({ unresolvedIfAmbiguousSender: true });

    expect(senderOf([entryOf('user'), entryOf('contact')], context)).toEqual({
      chosen: undefined,
      reason: 'ambiguous',
    });
  });

  it('resolves at the cap and stays unresolved above it', () => {
    const entries = (count: number) =>
      Array.from({ length: count }, (_, index) => entryOf('contact', { id: `${index}` }));
    const context = contextOf({ senderMatchCap: 3 });

    expect(senderOf(entries(3), context).reason).toBe('rank');
    expect(senderOf(entries(4), context)).toEqual({ chosen: undefined, reason: 'tooManyMatches' });
  });
});

describe('a recipient', () => {
  it('is everyone who has the address, best first', () => {
    const choice = recipientsOf([entryOf('queue'), entryOf('user')]);

    expect(choice.reason).toBe('allMatches');
    expect(choice.chosen.map(({ type }) => type)).toEqual(['user', 'queue']);
  });

  it('stays unresolved on any ambiguity where the organization wants it', () => {
    const context = contextOf({ unresolvedIfAmbiguousRecipient: true });

    expect(recipientsOf([entryOf('queue'), entryOf('user')], context)).toEqual({ chosen: [], reason: 'ambiguous' });
  });

  it('leaves inactive ones out when there are several', () => {
    const choice = recipientsOf([entryOf('queue'), entryOf('user', { status: 'inactive' })]);

    expect(choice.chosen.map(({ type }) => type)).toEqual(['queue']);
  });
});
