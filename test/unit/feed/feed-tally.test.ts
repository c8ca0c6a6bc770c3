import { describe, expect, it } from 'vitest';
import type { UnplacedEvent } from '../../../shared/feed/feed-event.ts';
import { addToTally, emptyTally } from '../../../shared/feed/feed-tally.ts';

const event = (type: string, data: Readonly<Record<string, unknown>>, more: Partial<UnplacedEvent> = {}) => ({
  id: 'evt_1',
  type,
  at: '2026-11-24T10:00:00.000Z',
  origin: 'crm' as const,
  actor: { type: 'key' as const, id: 'key_1' },
  subject: { type: 'email', id: 'eml_1' },
  version: 1,
  data,
  ...more,
});

describe('what the feed adds up', () => {
  it('counts the bytes of what is received and sent, until it is deleted', () => {
    const { storedBytes } = addToTally(emptyTally, [
      event('email.tracked', { sizeBytes: 100 }),
      event('email.tracked', { sizeBytes: 100 }, { version: 2 }),
      event('email.pendingSend', { sizeBytes: 30 }),
      event('email.sent', { sizeBytes: 30 }),
      event('email.deleted', { sizeBytes: 100, status: 'received' }),
      event('email.deleted', { sizeBytes: 7, status: 'draft' }),
    ]);

    expect(storedBytes).toBe(30);
  });

  it('counts a Send once, however often its server puts it off', () => {
    const byRun = { origin: 'system' as const, actor: { type: 'mailbox' as const, id: 'mbx_1' } };

    const { sends } = addToTally(emptyTally, [
      event('email.pendingSend', {}),
      event('email.pendingSend', {}, byRun),
      event('email.pendingSend', {}, byRun),
    ]);

    expect(sends.count).toBe(1);
  });

  it('counts Sends by the day, and none of yesterday after the first of today', () => {
    const { sends } = addToTally(emptyTally, [
      event('email.pendingSend', {}, { at: '2026-11-23T23:59:59.000Z' }),
      event('email.pendingSend', {}),
      event('email.pendingSend', {}, { at: '2026-11-23T23:59:59.900Z' }),
      event('email.pendingSend', {}),
    ]);

    expect(sends).toEqual({ day: '2026-11-24', count: 2 });
  });
});
