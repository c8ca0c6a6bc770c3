import type { Fault } from '../platform/fault.ts';
import { FaultError } from '../platform/fault.ts';
import type { DisabledBy, Workload, WorkloadState } from './mailbox.ts';

/** Everything that can happen to a workload. Instants are ISO texts. */
export type WorkloadTransition =
  /** Somebody chose who moves the items of this workload. */
  | { readonly type: 'setMethod'; readonly method: Workload['method'] }
  /** Address, profile or login changed: what a test proved does not hold any more. */
  | { readonly type: 'invalidateTest' }
  | { readonly type: 'startTest'; readonly operationId: string }
  | { readonly type: 'passTest'; readonly operationId: string; readonly at: string; readonly enable: boolean }
  | { readonly type: 'failTest'; readonly operationId: string; readonly at: string; readonly fault: Fault }
  /** The operation ended without an outcome for this workload: cancelled, timed out or interrupted. */
  | { readonly type: 'abandonTest'; readonly operationId: string }
  | { readonly type: 'enable' }
  | { readonly type: 'disable'; readonly by: Exclude<DisabledBy, 'permanentError'> }
  /** A cycle failed and will be tried again. */
  | { readonly type: 'retry'; readonly fault: Fault }
  /** A cycle failed for good, or for the last time. */
  | { readonly type: 'giveUp'; readonly fault: Fault }
  /** A workload that was given up is about to be tried. */
  | { readonly type: 'probe' }
  /** A cycle succeeded. */
  | { readonly type: 'succeed' };

/** Whether cycles of the workload are to run: these states own a timer. */
export const runs = (state: WorkloadState): boolean =>
  state === 'enabled' || state === 'retrying' || state === 'probing';

/**
 * Whether what is given to the workload will be worked on without anybody having to enable it: one that runs, or that
 * ran until the test that goes on now.
 */
export const takesWork = ({ state, runningTest }: Pick<Workload, 'state' | 'runningTest'>): boolean =>
  runs(state) || (state === 'testing' && runningTest?.wasEnabled === true);

/** Whether its cycle must be at rest. Only what was given up on errors may still be probed by its lane. */
export const rests = (workload: Pick<Workload, 'state' | 'disabledBy'>): boolean =>
  !runs(workload.state) && !(workload.state === 'disabled' && workload.disabledBy === 'permanentError');

const withoutTest = ({ runningTest: _, ...workload }: Workload): Workload => workload;

const settled = (
  workload: Workload,
  state: WorkloadState,
  disabledBy: DisabledBy | null = null,
  fault: Fault | null = null,
): Workload => ({ ...withoutTest(workload), state, disabledBy, fault });

const sameFault = (one: Fault | null, other: Fault): boolean => one?.code === other.code;

const isTestOf = (workload: Workload, operationId: string): boolean =>
  workload.state === 'testing' && workload.runningTest?.operationId === operationId;

const disable = (workload: Workload, by: DisabledBy): Workload => {
  if (workload.state === 'off') return workload;
  if (workload.state === 'disabled' && workload.disabledBy === by) return workload;
  const next = settled(workload, 'disabled', by);
  // A takeover takes address and login away, so nothing that a test proved holds any more.
  if (by === 'takeover') return { ...next, testStands: false };
  // The first reason stays, except an error, whose probes would go on, and except against a person's own decision.
  const overrides = by === 'admin' || workload.disabledBy === 'permanentError';
  return workload.state === 'disabled' && !overrides ? workload : next;
};

const enable = (workload: Workload): Workload => {
  if (workload.state === 'off')
    throw new FaultError('invalidState', {
      detail: 'The method of the workload is not serverSideSync',
      cause: 'Only the method serverSideSync synchronizes here',
      fix: 'Set the method to serverSideSync, then run test-and-enable',
    });
  if (workload.state === 'testing') throw new FaultError('testRunning');
  if (workload.state === 'enabled' || workload.state === 'retrying') return workload;
  if (!workload.testStands) throw new FaultError('testRequired');
  return settled(workload, 'enabled');
};

/**
 * What becomes of a workload. The same object is given back when nothing changes. A transition of a lane or of a test
 * that comes too late, because somebody changed the workload meanwhile, changes nothing.
 *
 * @throws FaultError testRunning, testRequired, invalidState, for requests that the state refuses
 */
export const applyTransition = (workload: Workload, transition: WorkloadTransition): Workload => {
  switch (transition.type) {
    case 'setMethod': {
      if (transition.method === workload.method) return workload;
      const state = transition.method === 'serverSideSync' ? 'notTested' : 'off';
      return { ...settled(workload, state), method: transition.method, testStands: false };
    }
    case 'invalidateTest': {
      if (workload.state === 'off') return workload.testStands ? { ...workload, testStands: false } : workload;
      if (workload.state === 'notTested' && !workload.testStands) return workload;
      return { ...settled(workload, 'notTested'), testStands: false };
    }
    case 'startTest': {
      if (workload.state === 'off')
        throw new FaultError('invalidState', {
          detail: 'The method of the workload is not serverSideSync',
          fix: 'Set the method to serverSideSync first',
        });
      if (isTestOf(workload, transition.operationId)) return workload;
      if (workload.state === 'testing') throw new FaultError('testRunning');
      return {
        ...workload,
        state: 'testing',
        disabledBy: null,
        runningTest: {
          operationId: transition.operationId,
          wasEnabled: runs(workload.state),
          ...(workload.disabledBy === null ? {} : { disabledBy: workload.disabledBy }),
        },
      };
    }
    case 'passTest': {
      if (!isTestOf(workload, transition.operationId)) return workload;
      const enabled = transition.enable || workload.runningTest?.wasEnabled === true;
      return {
        ...(enabled ? settled(workload, 'enabled') : settled(workload, 'disabled', 'admin')),
        testStands: true,
        lastTest: { at: transition.at, status: 'success' },
      };
    }
    case 'failTest': {
      if (!isTestOf(workload, transition.operationId)) return workload;
      return {
        ...settled(workload, 'notTested', null, transition.fault),
        testStands: false,
        lastTest: { at: transition.at, status: 'failure', code: transition.fault.code },
      };
    }
    case 'abandonTest': {
      if (!isTestOf(workload, transition.operationId)) return workload;
      // Nothing was learned, so what was known before the test still holds.
      const { wasEnabled, disabledBy } = workload.runningTest ?? {};
      if (wasEnabled === true) return settled(workload, 'enabled');
      if (disabledBy !== undefined) return settled(workload, 'disabled', disabledBy, workload.fault);
      return settled(workload, 'notTested', null, workload.fault);
    }
    case 'enable':
      return enable(workload);
    case 'disable':
      return disable(workload, transition.by);
    case 'retry': {
      if (workload.state !== 'enabled' && workload.state !== 'retrying') return workload;
      if (workload.state === 'retrying' && sameFault(workload.fault, transition.fault)) return workload;
      return settled(workload, 'retrying', null, transition.fault);
    }
    case 'giveUp': {
      const givenUp = workload.state === 'disabled' && workload.disabledBy === 'permanentError';
      if (givenUp && sameFault(workload.fault, transition.fault)) return workload;
      if (!runs(workload.state) && !givenUp) return workload;
      return settled(workload, 'disabled', 'permanentError', transition.fault);
    }
    case 'probe': {
      if (workload.state !== 'disabled' || workload.disabledBy !== 'permanentError') return workload;
      return { ...workload, state: 'probing' };
    }
    case 'succeed': {
      const probed = workload.state === 'disabled' && workload.disabledBy === 'permanentError';
      if (workload.state !== 'retrying' && workload.state !== 'probing' && !probed) return workload;
      return settled(workload, 'enabled');
    }
  }
};
