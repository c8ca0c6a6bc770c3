import type { FaultCode } from '../platform/fault-catalogue.ts';
import type { DecisionStep } from './decision.ts';

type StepName = DecisionStep['step'];
type Inputs = Readonly<Record<string, unknown>>;

/** One step of a decision, and the code of the skip if the message ends there. */
export interface StepOutcome {
  readonly step: DecisionStep;
  readonly code: FaultCode | undefined;
}

const build = (step: StepName, result: DecisionStep['result'], detail: string, inputs: Inputs | undefined) => ({
  step,
  result,
  detail,
  ...(inputs === undefined ? {} : { inputs: { ...inputs } }),
});

export const pass = (step: StepName, detail: string, inputs?: Inputs): StepOutcome => ({
  step: build(step, 'pass', detail, inputs),
  code: undefined,
});

export const match = (step: StepName, detail: string, inputs?: Inputs): StepOutcome => ({
  step: build(step, 'match', detail, inputs),
  code: undefined,
});

export const notApplicable = (step: StepName, detail: string): StepOutcome => ({
  step: build(step, 'notApplicable', detail, undefined),
  code: undefined,
});

/** The message is not tracked for the reason that the code names. */
export const fail = (step: StepName, code: FaultCode, detail: string, inputs?: Inputs): StepOutcome => ({
  step: build(step, 'fail', detail, inputs),
  code,
});

/** The step did not find what it looked for, which ends nothing by itself. */
export const miss = (step: StepName, detail: string, inputs?: Inputs): StepOutcome => ({
  step: build(step, 'fail', detail, inputs),
  code: undefined,
});
