import { describe, expect, it } from 'vitest';
import { planRefusal, type RefusalFacts } from '../../../shared/rejection/plan-rejection.ts';
import type { Rejection } from '../../../shared/rejection/rejection.ts';

const now = new Date('2026-11-24T10:00:00.000Z');
const refusal = (eventId: string) => ({ eventId, code: 'plugInFailed', detail: 'No account with this number' });

const factsOf = (changes: Partial<RefusalFacts> = {}): RefusalFacts => ({
  email: { id: 'eml_1', mailboxId: 'mbx_1' },
  currentEventId: 'evt_1',
  rejection: undefined,
  retry: { attempts: 5, seconds: 900 },
  now,
  ...changes,
});

const rejectionOf = (changes: Partial<Rejection> = {}): Rejection => ({
  id: 'eml_1',
  version: 3,
  createdAt: '2026-11-24T09:00:00.000Z',
  updatedAt: '2026-11-24T09:30:00.000Z',
  mailboxId: 'mbx_1',
  status: 'offered',
  rejections: 1,
  events: ['evt_0', 'evt_1'],
  code: 'plugInFailed',
  detail: 'Before',
  dueAt: '2026-11-24T10:15:00.000Z',
  deadLetterId: null,
  ...changes,
});

describe('the refusal of an email', () => {
  it('has it offered again after the seconds that are set', () => {
    expect(planRefusal(refusal('evt_1'), factsOf())).toMatchObject({
      kind: 'offerAgain',
      rejection: {
        status: 'waiting',
        rejections: 1,
        events: ['evt_1'],
        detail: 'No account with this number',
        dueAt: '2026-11-24T10:15:00.000Z',
        version: 1,
      },
    });
  });

  it('counts on when the new offer is refused, and keeps what the CRM said last', () => {
    expect(planRefusal(refusal('evt_1'), factsOf({ rejection: rejectionOf() }))).toMatchObject({
      kind: 'offerAgain',
      rejection: { rejections: 2, events: ['evt_0', 'evt_1'], detail: 'No account with this number', version: 4 },
    });
  });

  it('gives up when the last of the offers that are allowed is refused', () => {
    const rejection = rejectionOf({ rejections: 5 });
    expect(planRefusal(refusal('evt_1'), factsOf({ rejection }))).toMatchObject({
      kind: 'giveUp',
      rejection: { status: 'givenUp', rejections: 6, dueAt: null },
    });
  });

  it('offers nothing again where no offers are allowed', () => {
    const plan = planRefusal(refusal('evt_1'), factsOf({ retry: { attempts: 0, seconds: 900 } }));
    expect(plan.kind).toBe('giveUp');
  });

  it('counts once, however often it comes, and not for an event that a later one has replaced', () => {
    for (const [eventId, status] of [
      ['evt_1', 'waiting'],
      ['evt_1', 'givenUp'],
      ['evt_0', 'offered'],
      ['evt_0', 'settled'],
    ] as const) {
      const rejection = rejectionOf({ status });
      expect(planRefusal(refusal(eventId), factsOf({ rejection }))).toEqual({ kind: 'known', rejection });
    }
  });

  it('counts also when it comes after its silence was taken for consent', () => {
    const rejection = rejectionOf({ status: 'settled', rejections: 5, dueAt: null });
    expect(planRefusal(refusal('evt_1'), factsOf({ rejection })).kind).toBe('giveUp');
  });

  it('begins to count anew for an email that was untracked and tracked again', () => {
    const rejection = rejectionOf({ status: 'settled', rejections: 5 });
    expect(planRefusal(refusal('evt_9'), factsOf({ rejection, currentEventId: 'evt_9' }))).toMatchObject({
      kind: 'offerAgain',
      rejection: { rejections: 1, events: ['evt_0', 'evt_1', 'evt_9'] },
    });
  });

  it('of an event that nobody was told of is refused', () => {
    expect(planRefusal(refusal('evt_7'), factsOf()).kind).toBe('unknown');
    expect(planRefusal(refusal('evt_7'), factsOf({ rejection: rejectionOf() })).kind).toBe('unknown');
  });
});
