import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { createFault } from '../../shared/platform/fault.ts';
import type { ThrottleChange } from '../../shared/throttle/throttle-change.ts';
import { createThrottleTable, type ThrottleItems } from '../../shared/throttle/throttle-table.ts';
import { startTestCloud, type TestCloud } from '../support/local-cloud.ts';
import { createMemoryThrottle } from '../support/memory-throttle.ts';

let cloud: TestCloud;
let table: ThrottleItems;
let counters = 0;

beforeAll(async () => {
  cloud = await startTestCloud();
  const { variables } = await cloud.createHubResources();
  Object.assign(process.env, variables);
  table = createThrottleTable(createDocumentClient(), variables['CYCLES_TABLE'] ?? '');
});

afterAll(async () => {
  await cloud.stop();
});

const holder = fc.constantFrom('mbx_1+incoming', 'mbx_2+incoming', 'mbx_3+outgoing');
const small = fc.integer({ min: 1, max: 3 });
const lease = fc.tuple(small, small);
const line = fc.constantFrom('q' as const, 'sendingQ' as const);
const side = fc.constantFrom('reading' as const, 'sending' as const);

const probe = fc.record({ side, pausedUntil: small, probeUntil: small });

const concluded = fc.record({
  since: small,
  held: small,
  until: small,
  utilization: fc.constant(0.9),
  demand: fc.constant(0.9),
  stretch: small,
  crowdedWindows: small,
  wasCrowdedWindows: small,
});

/** Few values each, so that conditions hold about as often as they do not. */
const changes: fc.Arbitrary<ThrottleChange> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      holder,
      lease,
      available: small,
      line,
      turn: fc.option(small, { nil: undefined }),
      side,
      ignoresPause: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      holder,
      expiry: small,
      hold: small,
      held: small,
      now: small,
      forgets: fc.boolean(),
      concluded: fc.option(concluded, { nil: undefined }),
    }),
  },
  fc.record({ kind: fc.constant('takeOver' as const), holder, lease, expired: small }),
  fc
    .record({
      kind: fc.constant('replaceExpired' as const),
      holder,
      lease,
      n: small,
      expired: fc.uniqueArray(fc.tuple(holder, small), { minLength: 1, maxLength: 2, selector: ([name]) => name }),
      died: fc.dictionary(holder, lease, { maxKeys: 2 }),
      probe: fc.option(probe, { nil: undefined }),
    })
    // Its own expired lease a holder takes over, and DynamoDB refuses an update that sets and removes one path.
    .filter((change) => change.expired.every(([name]) => name !== change.holder)),
  fc.record({
    kind: fc.constant('probe' as const),
    holder,
    lease,
    available: small,
    probe,
  }),
  fc.record({ kind: fc.constant('expire' as const), holder, expiry: small, now: small }),
  fc.record({
    kind: fc.constant('ticket' as const),
    line,
    previous: fc.option(fc.nat(2), { nil: undefined }),
    next: fc.nat(2),
  }),
  fc.record({
    kind: fc.constant('pause' as const),
    side,
    until: small,
    fault: fc.constant(createFault('connectFailed')),
  }),
  fc.record({ kind: fc.constant('resume' as const), side }),
);

describe('the table of connection counters', () => {
  it('makes and refuses every change exactly as the rules say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { minLength: 10, maxLength: 25 }), async (sequence) => {
        counters += 1;
        const key = { pk: `org_1#prf_${counters}`, sk: 'throttle#0' };
        const memory = createMemoryThrottle();
        for (const items of [memory, table]) await items.create(key);

        for (const drawn of sequence) {
          const remembers = memory.items.get(`${key.pk}/${key.sk}`)?.died !== undefined;
          const change = drawn.kind === 'release' ? { ...drawn, forgets: drawn.forgets && remembers } : drawn;
          expect(await table.change(key, change)).toEqual(await memory.change(key, change));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('tells that there is no counter yet', async () => {
    const key = { pk: 'org_1#prf_none', sk: 'throttle#0' };

    const answer = await table.change(key, { kind: 'ticket', line: 'q', previous: 0, next: 1 });

    expect(answer).toEqual({ found: undefined });
  });
});
