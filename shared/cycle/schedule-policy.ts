import type { Settings } from '../organization/settings.ts';

/** What decides when an incoming cycle runs again. Seconds throughout. */
export interface ScheduleInput {
  readonly schedule: Settings['schedule'];
  /** Completed cycles in a row that found nothing. */
  readonly idleCycles: number;
  /** The profile's own lower bound. */
  readonly minPollingMinutes: number;
  /** The factor by which a crowded server asks to be spared; 1 is none. */
  readonly stretch: number;
  /** Evenly distributed in [0, 1). */
  readonly random: number;
}

const adaptiveSteps = [120, 180, 300, 480, 720] as const;
const idleBase = 900;
const idleCeiling = 4 * 3600;

const intervalOf = ({ schedule, idleCycles }: ScheduleInput): number => {
  switch (schedule.incoming.policy) {
    case 'current':
      return schedule.incoming.seconds;
    case 'adaptive2018':
      return adaptiveSteps[Math.min(idleCycles, adaptiveSteps.length - 1)] ?? idleBase;
    case 'idle2013':
      return Math.min(idleCeiling, idleBase * 2 ** Math.min(10, Math.floor(idleCycles / 4)));
  }
};

/** Seconds from the end of a successful cycle to the next one: interval · stretch · (1 + 0..jitter). */
export const nextDelaySeconds = (input: ScheduleInput): number => {
  const interval = Math.max(intervalOf(input), input.minPollingMinutes * 60);
  return interval * input.stretch * (1 + (input.schedule.jitterPercent / 100) * input.random);
};

/** Seconds from a failed cycle to its retry. Only ever longer than the rule, never shorter. */
export const retryDelaySeconds = (schedule: Settings['schedule'], random: number): number =>
  schedule.retry.seconds * (1 + (schedule.jitterPercent / 100) * random);
