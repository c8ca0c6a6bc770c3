import { describe, expect, it } from 'vitest';
import type { Cycle } from '../../../shared/cycle/cycle.ts';
import { describeWaiting } from '../../../shared/mailbox/waiting.ts';
import { storedCycle } from '../../support/stored-cycle.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');
const soon = now + 7_000;
const soonText = '2026-11-20T12:00:07.000Z';

const cycle = (changes: Partial<Cycle> = {}): Cycle =>
  storedCycle({ due: now - 1_000, reason: 'interval', ...changes });

const describeAt = (changes: Partial<Cycle>, lines = { connection: 0, share: 0 }, isRunning = false) =>
  describeWaiting(cycle(changes), lines, { isRunning, now });

describe('what a mailbox waits for', () => {
  it('is nothing while it runs, rests, or only its time has not come', () => {
    const crowded = { connection: soon, share: soon };

    expect(describeAt({}, crowded, true)).toBeNull();
    expect(describeAt({ due: null }, crowded)).toBeNull();
    expect(describeAt({ enabled: false }, crowded)).toBeNull();
    expect(describeAt({ due: soon }, crowded)).toBeNull();
    expect(describeAt({})).toBeNull();
  });

  it('is a connection where it is due and a line stands at the server, or it waits by a timer', () => {
    expect(describeAt({}, { connection: soon, share: soon })).toMatchObject({
      code: 'connectionLimit',
      until: soonText,
    });
    expect(describeAt({ waitsUntil: soon })).toMatchObject({ code: 'connectionLimit', until: soonText });
  });

  it('is the share of its organization where the lane has more of its work than that', () => {
    expect(describeAt({}, { connection: now - 1, share: soon })).toMatchObject({
      code: 'laneShareUsedUp',
      until: soonText,
    });
  });

  it.each([
    ['slicesPerHour', 'sliceLimitReached'],
    ['quotaReached', 'quotaReached'],
    ['throttled', 'throttled'],
    ['profilePaused', 'profilePaused'],
  ])('is told by the reason %s as %s, with when it goes on', (reason, code) => {
    expect(describeAt({ reason, due: soon })).toMatchObject({ code, until: soonText });
  });

  it.each(['maxMessages', 'maxBytes', 'maxSeconds'])('is the others, where its last cycle met %s', (reason) => {
    expect(describeAt({ reason })).toMatchObject({ code: reason, until: null });
  });
});
