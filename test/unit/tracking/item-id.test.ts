import { describe, expect, it } from 'vitest';
import { parseItemId } from '../../../shared/tracking/item-id.ts';

describe('an item id', () => {
  it('is the end of an IMAP URL, with or without the first slash and in any case', () => {
    const place = { folder: 'INBOX', uidValidity: '385759045', uid: 20 };
    expect(parseItemId('INBOX;UIDVALIDITY=385759045/;UID=20')).toEqual(place);
    expect(parseItemId('/INBOX;uidvalidity=385759045/;uid=20')).toEqual(place);
  });

  it('has the folder percent-encoded', () => {
    expect(parseItemId('Projects%2F%C3%9Cbersee%3B1;UIDVALIDITY=1/;UID=2')?.folder).toBe('Projects/Übersee;1');
  });

  it('is nothing else', () => {
    for (const text of ['', 'INBOX', '42', 'INBOX;UID=1', ';UIDVALIDITY=1/;UID=2', '%E0%A4%A;UIDVALIDITY=1/;UID=2'])
      expect(parseItemId(text)).toBeUndefined();
    expect(parseItemId('INBOX;UIDVALIDITY=0/;UID=2')).toBeUndefined();
  });
});
