import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Workload } from '../../../shared/mailbox/mailbox.ts';
import { applyTransition, rests, runs, type WorkloadTransition } from '../../../shared/mailbox/workload-state.ts';
import { createFault, FaultError } from '../../../shared/platform/fault.ts';

const at = '2026-11-20T12:08:00.000Z';
const fault = createFault('connectFailed');
const operationId = 'opn_1';

const off: Workload = {
  method: 'none',
  state: 'off',
  mode: 'active',
  lastTest: null,
  testStands: false,
  disabledBy: null,
  fault: null,
};

const reached = (...transitions: readonly WorkloadTransition[]): Workload => transitions.reduce(applyTransition, off);

const chosen: WorkloadTransition = { type: 'setMethod', method: 'serverSideSync' };
const started: WorkloadTransition = { type: 'startTest', operationId };
const passed: WorkloadTransition = { type: 'passTest', operationId, at, enable: true };
const failed: WorkloadTransition = { type: 'failTest', operationId, at, fault };
const enabled = [chosen, started, passed] as const;

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof FaultError) return error.fault.code;
    throw error;
  }
};

describe('a workload', () => {
  test('is off until its method is serverSideSync, then not tested', () => {
    expect(off.state).toBe('off');
    expect(reached(chosen).state).toBe('notTested');
    expect(reached(...enabled, { type: 'setMethod', method: 'client' }).state).toBe('off');
  });

  test('is enabled by a test that succeeds', () => {
    expect(reached(chosen, started).state).toBe('testing');
    expect(reached(...enabled)).toMatchObject({ state: 'enabled', lastTest: { at, status: 'success' } });
  });

  test('goes back to not tested when its test fails, and says why', () => {
    expect(reached(chosen, started, failed)).toMatchObject({
      state: 'notTested',
      lastTest: { at, status: 'failure', code: 'connectFailed' },
      fault: { code: 'connectFailed' },
    });
  });

  test('can be tested without being enabled', () => {
    const tested = reached(chosen, started, { ...passed, enable: false });
    expect(tested.state).toBe('disabled');
    expect(applyTransition(tested, { type: 'enable' }).state).toBe('enabled');
  });

  test('that runs goes on running when a mere test succeeds', () => {
    expect(reached(...enabled, started, { ...passed, enable: false }).state).toBe('enabled');
  });

  test('that ran before a test nobody finished runs again; another one is as before', () => {
    expect(reached(...enabled, started, { type: 'abandonTest', operationId }).state).toBe('enabled');
    expect(reached(chosen, started, { type: 'abandonTest', operationId }).state).toBe('notTested');
    const disabled = reached(...enabled, { type: 'disable', by: 'admin' });
    expect(
      reached(...enabled, { type: 'disable', by: 'admin' }, started, { type: 'abandonTest', operationId }),
    ).toEqual(disabled);
  });

  test('takes no second test while one runs', () => {
    expect(codeOf(() => reached(chosen, started, { type: 'startTest', operationId: 'opn_2' }))).toBe('testRunning');
  });

  test('ignores the outcome of a test that a change overtook', () => {
    expect(reached(chosen, started, { type: 'invalidateTest' }, passed).state).toBe('notTested');
    expect(reached(chosen, started, { type: 'disable', by: 'admin' }, passed).state).toBe('disabled');
  });

  test('retries a failing cycle and comes back with the first success', () => {
    expect(reached(...enabled, { type: 'retry', fault })).toMatchObject({ state: 'retrying', fault });
    expect(reached(...enabled, { type: 'retry', fault }, { type: 'succeed' })).toMatchObject({
      state: 'enabled',
      fault: null,
    });
  });

  test('is disabled when it is given up, may be probed, and comes back', () => {
    const givenUp = reached(...enabled, { type: 'giveUp', fault });
    expect(givenUp).toMatchObject({ state: 'disabled', disabledBy: 'permanentError', fault });
    const probing = applyTransition(givenUp, { type: 'probe' });
    expect(probing.state).toBe('probing');
    expect(applyTransition(probing, { type: 'giveUp', fault }).state).toBe('disabled');
    expect(applyTransition(probing, { type: 'succeed' })).toMatchObject({ state: 'enabled', disabledBy: null });
  });

  test('that a person disabled is not brought back by its lane', () => {
    const disabled = reached(...enabled, { type: 'giveUp', fault }, { type: 'disable', by: 'admin' });
    expect(disabled).toMatchObject({ state: 'disabled', disabledBy: 'admin' });
    expect(applyTransition(disabled, { type: 'succeed' })).toBe(disabled);
    expect(applyTransition(disabled, { type: 'probe' })).toBe(disabled);
  });

  test('is enabled again while its test stands, and not otherwise', () => {
    expect(reached(...enabled, { type: 'disable', by: 'ownerInactive' }, { type: 'enable' }).state).toBe('enabled');
    expect(codeOf(() => reached(chosen, { type: 'enable' }))).toBe('testRequired');
    expect(codeOf(() => reached(...enabled, { type: 'invalidateTest' }, { type: 'enable' }))).toBe('testRequired');
    expect(codeOf(() => reached(...enabled, { type: 'disable', by: 'takeover' }, { type: 'enable' }))).toBe(
      'testRequired',
    );
    expect(codeOf(() => applyTransition(off, { type: 'enable' }))).toBe('invalidState');
  });
});

const operations = fc.constantFrom('opn_1', 'opn_2');
const faults = fc.constantFrom(createFault('connectFailed'), createFault('authenticationFailed'));
const transitions: fc.Arbitrary<WorkloadTransition> = fc.oneof(
  fc.record({
    type: fc.constant('setMethod' as const),
    method: fc.constantFrom('serverSideSync' as const, 'client' as const, 'none' as const),
  }),
  fc.record({ type: fc.constant('startTest' as const), operationId: operations }),
  fc.record({
    type: fc.constant('passTest' as const),
    operationId: operations,
    at: fc.constant(at),
    enable: fc.boolean(),
  }),
  fc.record({ type: fc.constant('failTest' as const), operationId: operations, at: fc.constant(at), fault: faults }),
  fc.record({ type: fc.constant('abandonTest' as const), operationId: operations }),
  fc.record({
    type: fc.constant('disable' as const),
    by: fc.constantFrom(
      'admin' as const,
      'takeover' as const,
      'ownerInactive' as const,
      'profile' as const,
      'channel' as const,
    ),
  }),
  fc.record({ type: fc.constantFrom('retry' as const, 'giveUp' as const), fault: faults }),
  fc.record({
    type: fc.constantFrom('invalidateTest' as const, 'enable' as const, 'probe' as const, 'succeed' as const),
  }),
);

const attempt = (workload: Workload, transition: WorkloadTransition): Workload => {
  try {
    return applyTransition(workload, transition);
  } catch (error) {
    if (error instanceof FaultError) return workload;
    throw error;
  }
};

describe('no sequence of transitions', () => {
  const always = (check: (workload: Workload, transition: WorkloadTransition, next: Workload) => void): void =>
    fc.assert(
      fc.property(fc.array(transitions, { maxLength: 40 }), (sequence) => {
        let workload = off;
        for (const transition of sequence) {
          const next = attempt(workload, transition);
          check(workload, transition, next);
          workload = next;
        }
      }),
      { numRuns: 500 },
    );

  test('leads to a state that contradicts itself', () => {
    always((_, __, next) => {
      expect(next.state === 'off').toBe(next.method !== 'serverSideSync');
      expect(next.state === 'testing').toBe(next.runningTest !== undefined);
      expect(next.disabledBy !== null).toBe(next.state === 'disabled' || next.state === 'probing');
      expect(runs(next.state) && rests(next)).toBe(false);
    });
  });

  test('lets a workload run whose test does not stand', () => {
    always((_, __, next) => {
      if (runs(next.state)) expect(next.testStands).toBe(true);
    });
  });

  test('changes anything when it is repeated at once', () => {
    always((_, transition, next) => {
      expect(attempt(next, transition)).toBe(next);
    });
  });

  test('lets a lane revive what it did not give up itself', () => {
    always((before, transition, next) => {
      if (transition.type !== 'succeed' && transition.type !== 'probe' && transition.type !== 'retry') return;
      if (rests(before)) expect(next).toBe(before);
    });
  });
});
