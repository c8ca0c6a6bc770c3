import { expect, it } from 'vitest';
import { goOnWithPlace } from '../../../shared/operation/go-on-later.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');
const operation = { organizationId: 'org_1', id: 'opn_1', group: 'mbx_1' };

const wait = async (receiveCount: number, until: number) => {
  const sent: unknown[] = [];
  const queues = {
    send: async (lane: string, group: string, _deduplicationId: string, body: unknown) => {
      sent.push({ lane, group, body });
    },
    pushBack: async () => undefined,
    acknowledge: async () => undefined,
    countWaiting: async () => 0,
  };
  const verdict = await goOnWithPlace({ queues, now: () => new Date(now) }, operation, { receiveCount }, until);
  return { verdict, sent };
};

it('gives its message back until a place may be free, for two minutes at most', async () => {
  expect(await wait(1, now + 2_400)).toEqual({ verdict: { done: false, waitSeconds: 3 }, sent: [] });
  expect(await wait(1, now)).toEqual({ verdict: { done: false, waitSeconds: 1 }, sent: [] });
  expect(await wait(39, now + 3_600_000)).toEqual({ verdict: { done: false, waitSeconds: 120 }, sent: [] });
});

it('goes on by a fresh message before the queue gives this one up', async () => {
  const { verdict, sent } = await wait(40, now + 2_000);

  expect(verdict).toEqual({ done: true });
  expect(sent).toEqual([
    {
      lane: 'operations',
      group: 'mbx_1',
      body: {
        v: 1,
        organizationId: 'org_1',
        mailboxId: 'mbx_1',
        workload: 'operations',
        operationId: 'opn_1',
        occasion: String(now),
      },
    },
  ]);
});
