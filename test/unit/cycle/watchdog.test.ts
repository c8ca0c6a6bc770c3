import { describe, expect, it } from 'vitest';
import { runWatchdog, type WatchedOperation } from '../../../shared/cycle/watchdog.ts';

const now = 1_800_000_000_000;
const hour = 3_600_000;

const operation = (number: number, deadline: number): WatchedOperation => ({
  organizationId: 'org_1',
  operationId: `opn_${number}`,
  group: 'mbx_1',
  due: now - hour,
  deadline,
});

/** A round over these operations, of which each is one item, at a lane in which so many messages wait. */
const lookAfter = async (operations: readonly WatchedOperation[], waiting: number) => {
  const resent: string[] = [];
  async function* segment() {
    for (const each of operations) yield { ...each };
  }
  const findings = await runWatchdog({
    segments: [segment()],
    parseOperation: (item) => item as unknown as WatchedOperation,
    queues: {
      send: async () => undefined,
      pushBack: async () => undefined,
      acknowledge: async () => undefined,
      countWaiting: async () => waiting,
    },
    backlog: async () => waiting,
    movesEmail: async () => true,
    resendOperation: async ({ operationId }) => void resent.push(operationId),
    rebuildCycle: async () => undefined,
    timeOutOperation: async () => undefined,
    now: () => new Date(now),
    periodSeconds: 300,
    visibilitySeconds: 330,
  });
  return { resent, findings };
};

const many = (count: number) => Array.from({ length: count }, (_, number) => operation(number, now + hour));

describe('operations whose turn has not come for long', () => {
  it('are sent again, since their message may be lost', async () => {
    expect((await lookAfter(many(3), 0)).resent).toEqual(['opn_0', 'opn_1', 'opn_2']);
  });

  it('are left to a queue in which thousands wait: each round would make it as long again', async () => {
    const { resent, findings } = await lookAfter([...many(3), operation(9, now - 1)], 2_001);

    expect(resent).toEqual([]);
    expect(findings).toMatchObject({ resent: 0, timedOut: 1 });
  });

  it('are sent again over several rounds and not in one flood', async () => {
    expect((await lookAfter(many(5_001), 0)).resent).toHaveLength(5_000);
  });
});
