import type { Settings } from '../organization/settings.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import type { TransportErrorClass } from '../transport/transport-error.ts';
import type { Cycle } from './cycle.ts';
import type { CycleLimit } from './cycle-budget.ts';
import { nextDelaySeconds, retryDelaySeconds } from './schedule-policy.ts';
import type { WorkloadOutcome } from './workload.ts';

export type CycleResult =
  | {
      readonly kind: 'completed';
      readonly outcome: WorkloadOutcome;
      /** The factor by which the server's utilization stretches the interval. */
      readonly stretch: number;
    }
  | {
      readonly kind: 'failed';
      readonly class: TransportErrorClass;
      readonly level: 'mailbox' | 'profile';
      readonly fault: Fault;
      readonly retryAfterSeconds?: number | undefined;
      /** Another mailbox met this fault of the profile first; telling it again says nothing new. */
      readonly known?: boolean;
    }
  /** Somebody has turned the profile off: nothing was tried. */
  | { readonly kind: 'inactive'; readonly fault: Fault };

/** What the mailbox's owner and administrator are told. */
export type WorkloadReport =
  | { readonly type: 'succeeded' }
  | { readonly type: 'retrying'; readonly fault: Fault; readonly failures: number }
  | { readonly type: 'disabled'; readonly fault: Fault }
  /** Its profile was turned off. */
  | { readonly type: 'inactive' }
  /** The server asks to come back later: no strike against the mailbox, which stays enabled. */
  | { readonly type: 'throttled'; readonly fault: Fault }
  /** The mailbox has had as much of the hour as one may: no fault of anybody, and it waits. */
  | { readonly type: 'limited'; readonly fault: Fault }
  | { readonly type: 'profilePaused'; readonly fault: Fault }
  /** `standing`: codes of faults for which the profile's other server is still paused. */
  | { readonly type: 'profileResumed'; readonly standing: ReadonlySet<string> }
  /** The connections of the profile have been too few for long. */
  | { readonly type: 'profileCrowded'; readonly fault: Fault }
  | { readonly type: 'profileRelieved' };

/** What the cycle item becomes when the run completes. */
export interface NextCycle {
  readonly enabled: boolean;
  readonly due: number | null;
  readonly reason: string;
  readonly succeeded: boolean;
  readonly consecutiveFailures: number;
  readonly idleCycles: number;
  readonly credentialRefusals: number;
  readonly firstRefusalAt: number | undefined;
  readonly probing: boolean;
  /** An alert stands that the next success has to clear. */
  readonly alerted: boolean;
  readonly slices: Cycle['slices'];
  /** Absent: nothing that anybody does not know. */
  readonly report: WorkloadReport | undefined;
}

export interface PlanInput {
  readonly cycle: Cycle;
  readonly result: CycleResult;
  readonly settings: Settings;
  readonly minPollingMinutes: number;
  /** The login has worked before with these very credentials. */
  readonly credentialWorked: boolean;
  /** The mailbox shows a fault of this workload, which may be of a run that died before it could complete. */
  readonly faultShown: boolean;
  readonly now: number;
  readonly random: number;
}

const refusalsBeforeDisabling = 3;
const refusalSpanMilliseconds = 600_000;
const hour = 3_600_000;

const minute = 60_000;

/** More work than one run could do: it goes on at once behind the others, until the hour's slices are used up. */
const planMore = (
  { cycle, settings, now, random }: PlanInput,
  limit: CycleLimit | undefined,
): Pick<NextCycle, 'due' | 'reason' | 'slices'> & { readonly fault: Fault | undefined } => {
  const thisHour = Math.floor(now / hour);
  const count = cycle.slices?.hour === thisHour ? cycle.slices.count + 1 : 1;
  const slices = { hour: thisHour, count };
  if (count < settings.limits.slicesPerHour) return { due: now, reason: limit ?? 'moreWork', slices, fault: undefined };
  const due = (thisHour + 1) * hour + random * minute;
  const detail = `The mailbox has had ${count} cycles in a row in this hour and goes on at ${new Date(due).toISOString()}`;
  return { due, reason: 'slicesPerHour', slices, fault: createFault('sliceLimitReached', { detail }) };
};

const planSuccess = (
  input: PlanInput,
  { outcome, stretch }: Extract<CycleResult, { readonly kind: 'completed' }>,
): NextCycle => {
  const { cycle, now } = input;
  const found = outcome.counts.seen > 0;
  const idleCycles = found ? 0 : cycle.idleCycles + 1;
  const base = {
    enabled: true,
    succeeded: true,
    consecutiveFailures: 0,
    idleCycles,
    credentialRefusals: 0,
    firstRefusalAt: undefined,
    probing: false,
    alerted: false,
    // The happy path tells nothing and so writes nothing but the cycle.
    report:
      cycle.consecutiveFailures > 0 || cycle.probing === true || cycle.alerted === true || input.faultShown
        ? ({ type: 'succeeded' } as const)
        : undefined,
  };
  if (outcome.more) {
    const { fault, ...more } = planMore(input, outcome.limit);
    return fault === undefined
      ? { ...base, ...more }
      : { ...base, ...more, alerted: true, report: { type: 'limited', fault } };
  }
  if (outcome.nextDue !== undefined)
    return {
      ...base,
      due: outcome.nextDue,
      reason: outcome.waitsFor ?? (outcome.nextDue === null ? 'nothingToSend' : 'laterSend'),
      slices: undefined,
    };
  const delay = nextDelaySeconds({
    schedule: input.settings.schedule,
    idleCycles,
    minPollingMinutes: input.minPollingMinutes,
    stretch,
    random: input.random,
  });
  return { ...base, due: now + delay * 1000, reason: 'interval', slices: undefined };
};

const planDisabled = (input: PlanInput, fault: Fault): NextCycle => {
  const { recovery } = input.settings;
  return {
    // Disabled for its owner, but a probe looks now and then whether the server is well again.
    enabled: recovery.enabled,
    due: recovery.enabled ? input.now + recovery.probeSeconds * 1000 * (1 + input.random / 10) : null,
    reason: recovery.enabled ? 'probe' : 'disabled',
    succeeded: false,
    consecutiveFailures: input.cycle.consecutiveFailures + 1,
    idleCycles: input.cycle.idleCycles,
    credentialRefusals: 0,
    firstRefusalAt: undefined,
    probing: recovery.enabled,
    alerted: input.cycle.alerted ?? false,
    slices: undefined,
    report: { type: 'disabled', fault },
  };
};

const planInactive = (cycle: Cycle): NextCycle => ({
  enabled: false,
  due: null,
  reason: 'profileInactive',
  succeeded: false,
  consecutiveFailures: 0,
  idleCycles: cycle.idleCycles,
  credentialRefusals: 0,
  firstRefusalAt: undefined,
  probing: false,
  alerted: false,
  slices: undefined,
  report: { type: 'inactive' },
});

/** Decides from how a run ended when the next one is due and what becomes of the workload. Pure. */
export const planNext = (input: PlanInput): NextCycle => {
  const { cycle, result, settings, now } = input;
  if (result.kind === 'completed') return planSuccess(input, result);
  if (result.kind === 'inactive') return planInactive(cycle);
  const retry = retryDelaySeconds(settings.schedule, input.random);
  const waiting = Math.max(retry, result.retryAfterSeconds ?? 0) * 1000;
  const unchanged = {
    enabled: true,
    due: now + waiting,
    succeeded: false,
    consecutiveFailures: cycle.consecutiveFailures,
    idleCycles: cycle.idleCycles,
    credentialRefusals: cycle.credentialRefusals ?? 0,
    firstRefusalAt: cycle.firstRefusalAt,
    probing: cycle.probing ?? false,
    alerted: cycle.alerted ?? false,
    slices: undefined,
  };
  if (result.level === 'profile')
    return {
      ...unchanged,
      reason: 'profilePaused',
      report: result.known === true ? undefined : { type: 'profilePaused', fault: result.fault },
    };
  if (result.class === 'throttled')
    return { ...unchanged, reason: 'throttled', alerted: true, report: { type: 'throttled', fault: result.fault } };
  // A probe that fails leaves everything as it was until the next probe.
  if (cycle.probing === true || result.class === 'permanent') return planDisabled(input, result.fault);
  const failures = cycle.consecutiveFailures + 1;
  if (result.class === 'refused') {
    const refusals = (cycle.credentialRefusals ?? 0) + 1;
    const firstRefusalAt = cycle.firstRefusalAt ?? now;
    const lasting = refusals >= refusalsBeforeDisabling && now - firstRefusalAt >= refusalSpanMilliseconds;
    if (!input.credentialWorked || lasting) return planDisabled(input, result.fault);
    // Asked again twice over ten minutes at least, whatever the retry interval is.
    const due = Math.max(now + waiting, firstRefusalAt + (refusals * refusalSpanMilliseconds) / 2);
    return {
      ...unchanged,
      due,
      reason: 'retry',
      consecutiveFailures: failures,
      credentialRefusals: refusals,
      firstRefusalAt,
      report: { type: 'retrying', fault: result.fault, failures },
    };
  }
  if (failures >= settings.schedule.retry.attempts) return planDisabled(input, result.fault);
  return {
    ...unchanged,
    reason: 'retry',
    consecutiveFailures: failures,
    credentialRefusals: 0,
    firstRefusalAt: undefined,
    report: { type: 'retrying', fault: result.fault, failures },
  };
};
