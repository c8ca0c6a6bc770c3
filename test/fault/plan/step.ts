import type { InvokedFunction } from '../process/function-code.ts';

/** Where a step is seen: a call of AWS, a line of a mail protocol, or a delivery that the harness itself makes. */
export type Channel = 'aws' | 'imap' | 'smtp' | 'delivery' | 'timer' | 'stream';

/**
 * before: it was asked for and has had no effect. during: its first bytes are there. after: it has had its effect, and
 * nobody has been told.
 */
export type Moment = 'before' | 'during' | 'after';

/** One thing that happens at the edge of a function. Every step is a point at which a fault can strike. */
export interface Step {
  readonly function: InvokedFunction;
  readonly channel: Channel;
  readonly name: string;
  readonly moment: Moment;
}

/** Names the point at which a step stands: equal for every time that it is reached. */
export const pointOf = (step: Step): string => `${step.function} | ${step.channel} | ${step.name} | ${step.moment}`;
