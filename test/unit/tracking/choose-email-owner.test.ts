import { describe, expect, it } from 'vitest';
import { chooseEmailOwner } from '../../../shared/tracking/choose-email-owner.ts';
import type { RecipientOwner } from '../../../shared/tracking/recipient-owners.ts';

const recipient = (
  id: string,
  field: RecipientOwner['field'],
  { type = 'user', canOwn = true }: { type?: 'user' | 'queue'; canOwn?: boolean } = {},
): RecipientOwner => ({
  field,
  owner: {
    type,
    id,
    externalId: null,
    name: id,
    active: true,
    filtering: 'all',
    emailOwner: canOwn ? { type: 'user', id, externalId: null } : null,
    autoCreate: null,
  },
});

const ownerOf = (...chosen: Parameters<typeof chooseEmailOwner>) => chooseEmailOwner(...chosen).owner?.id ?? null;

describe('the owner of a tracked email', () => {
  const everyone = [recipient('anna', 'to'), recipient('ben', 'to'), recipient('eve', 'cc')];

  it('is the owner of the answered email, if among the first list with anyone eligible', () => {
    expect(ownerOf(everyone, 'ben', 'anna')).toBe('ben');
    expect(ownerOf(everyone, 'eve', null)).toBe('anna');
  });

  it("is else the owner of the sender's record, and else the first", () => {
    expect(ownerOf(everyone, null, 'ben')).toBe('ben');
    expect(ownerOf(everyone, null, null)).toBe('anna');
  });

  it('comes from Cc, then from Bcc, where nobody before may own email', () => {
    const to = recipient('anna', 'to', { canOwn: false });

    expect(ownerOf([to, recipient('eve', 'cc')], null, null)).toBe('eve');
    expect(ownerOf([to, recipient('zoe', 'bcc')], null, null)).toBe('zoe');
  });

  it('is nobody for a queue without owner, while a message to users who may not own is not tracked', () => {
    const queue = chooseEmailOwner([recipient('sales', 'to', { type: 'queue', canOwn: false })], null, null);
    const user = chooseEmailOwner([recipient('anna', 'to', { canOwn: false })], null, null);

    expect([queue.owner, queue.outcome.code]).toEqual([null, undefined]);
    expect([user.owner, user.outcome.code]).toEqual([null, 'ownerCannotOwn']);
  });
});
