import { createFault, type Fault, FaultError } from '../platform/fault.ts';
import { TransportError } from '../transport/transport-error.ts';

export type TestStepName = 'resolve' | 'connect' | 'tls' | 'authenticate' | 'list' | 'send' | 'receive';

export interface TestStep {
  readonly name: TestStepName;
  readonly status: 'success' | 'failure' | 'skipped';
  readonly seconds: number;
  readonly detail: string;
  /** The stable code of a failure. */
  readonly code?: string;
}

const successDetails: Readonly<Record<TestStepName, string>> = {
  resolve: 'The host name is known and may be connected to',
  connect: 'The server answers',
  tls: 'The connection is encrypted and the certificate is trusted',
  authenticate: 'The server accepts the login',
  list: 'The folders can be read',
  send: 'The server accepted a test message',
  receive: 'The test message arrived in the Inbox of this login',
};

/** A step that ran and found something wrong. */
export class TestFailure extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.detail);
    this.name = 'TestFailure';
    this.fault = fault;
  }
}

/** The fault of whatever a test step threw; what is no fault of a server is a defect and is thrown on. */
export const faultOf = (error: unknown): Fault => {
  const told = error instanceof TransportError || error instanceof TestFailure || error instanceof FaultError;
  if (told) return error.fault;
  throw error;
};

/** Writes down how far a test came. `order` names the steps as they are expected. */
export const createStepRecorder = (order: readonly TestStepName[], now: () => Date) => {
  const steps: TestStep[] = [];
  let begunAt = now().getTime();
  const elapsed = (): number => {
    const at = now().getTime();
    const seconds = Math.round((at - begunAt) / 10) / 100;
    begunAt = at;
    return seconds;
  };
  const recorded = (name: TestStepName): boolean => steps.some((step) => step.name === name);
  return {
    succeed: (name: TestStepName, detail = successDetails[name]): void => {
      if (!recorded(name)) steps.push({ name, status: 'success', seconds: elapsed(), detail });
    },
    skip: (name: TestStepName, detail: string): void => {
      if (!recorded(name)) steps.push({ name, status: 'skipped', seconds: 0, detail });
    },
    /** The first step that has not been told of is where it failed, unless the caller knows better. */
    fail: (fault: Fault, at = order.find((name) => !recorded(name))): void => {
      if (at === undefined || recorded(at)) return;
      steps.push({ name: at, status: 'failure', seconds: elapsed(), detail: fault.detail, code: fault.code });
      for (const name of order)
        if (!recorded(name))
          steps.push({ name, status: 'skipped', seconds: 0, detail: 'Another step failed', code: 'notReached' });
    },
    steps: (): readonly TestStep[] =>
      steps.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name)),
  };
};

export type StepRecorder = ReturnType<typeof createStepRecorder>;

export const notAMailboxFault = (address: string): Fault =>
  createFault('notAMailbox', {
    detail: `A test message to ${address} did not arrive in the Inbox of this login`,
  });
