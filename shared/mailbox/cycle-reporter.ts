import { clearConnectionAlerts } from '../alert/connection-alerts.ts';
import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import type { Cycle } from '../cycle/cycle.ts';
import type { CycleReporter } from '../cycle/cycle-delivery.ts';
import type { WorkloadReport } from '../cycle/plan-next.ts';
import type { RunContext } from '../cycle/run-context.ts';
import type { OperationDependencies } from '../operation/operation.ts';
import { reportSynchronized } from '../operation/report-synchronized.ts';
import type { Fault } from '../platform/fault.ts';
import { writeCycleLog } from './cycle-log.ts';
import { mailboxKind, synchronizedWorkloads } from './mailbox.ts';
import { setWorkloadState } from './set-workload-state.ts';

export interface ReporterDependencies extends OperationDependencies {
  /** Counts workloads that were given up, for the metrics. */
  readonly onDisabled: (cycle: Cycle) => void;
}

type ProfileReport = Extract<WorkloadReport, { readonly type: `profile${string}` }>;

const isOfProfile = (report: WorkloadReport): report is ProfileReport => report.type.startsWith('profile');

/** Brings the end of a run to the people whom it concerns: the mailbox's state, alerts, waiting operations, the feed. */
export const createCycleReporter = (deps: ReporterDependencies): CycleReporter => {
  const { store } = deps;

  const raise = (
    cycle: Cycle,
    scope: 'mailbox' | 'profile',
    subjectId: string,
    level: 'information' | 'warning' | 'error',
    fault: Fault,
  ): Promise<void> =>
    raiseAlert(store, {
      organizationId: cycle.organizationId,
      level,
      scope,
      fault,
      subject: { type: scope === 'mailbox' ? 'mailbox' : 'serverProfile', id: subjectId },
      ...(scope === 'mailbox' ? { mailboxId: subjectId } : {}),
      now: deps.now(),
    });

  const clear = (cycle: Cycle, subjectId: string, except: ReadonlySet<string>): Promise<void> =>
    clearConnectionAlerts(store, cycle.organizationId, subjectId, { now: deps.now(), except });

  /** Codes that still stand for the other workload of the mailbox. */
  const standingElsewhere = async (cycle: Cycle): Promise<ReadonlySet<string>> => {
    const mailbox = await store.get(mailboxKind, cycle.organizationId, cycle.mailboxId);
    return new Set(
      synchronizedWorkloads
        .filter((workload) => workload !== cycle.workload)
        .flatMap((workload) => mailbox?.workloads[workload].fault?.code ?? []),
    );
  };

  const reportMailbox = async (cycle: Cycle, report: Exclude<WorkloadReport, ProfileReport>): Promise<void> => {
    const { organizationId, mailboxId, workload } = cycle;
    const options = { now: deps.now() };
    switch (report.type) {
      case 'succeeded':
        await setWorkloadState(store, organizationId, mailboxId, workload, { type: 'succeed' }, options);
        for (const code of ['laneStalled', 'sliceLimitReached'] as const)
          await clearAlert(store, organizationId, code, mailboxId, options);
        return clear(cycle, mailboxId, await standingElsewhere(cycle));
      case 'inactive':
        await setWorkloadState(store, organizationId, mailboxId, workload, { type: 'disable', by: 'profile' }, options);
        return clear(cycle, mailboxId, await standingElsewhere(cycle));
      case 'retrying':
        await setWorkloadState(
          store,
          organizationId,
          mailboxId,
          workload,
          { type: 'retry', fault: report.fault },
          options,
        );
        return raise(cycle, 'mailbox', mailboxId, 'warning', report.fault);
      case 'throttled':
        return raise(cycle, 'mailbox', mailboxId, 'warning', report.fault);
      case 'limited':
        return raise(cycle, 'mailbox', mailboxId, 'information', report.fault);
      case 'disabled':
        await setWorkloadState(
          store,
          organizationId,
          mailboxId,
          workload,
          { type: 'giveUp', fault: report.fault },
          options,
        );
        if (cycle.probing !== true) deps.onDisabled(cycle);
        return raise(cycle, 'mailbox', mailboxId, 'error', report.fault);
    }
  };

  return {
    report: async (cycle: Cycle, context: RunContext | undefined, report: WorkloadReport) => {
      if (!isOfProfile(report)) return reportMailbox(cycle, report);
      if (context === undefined) return;
      const profileId = context.serverProfile.id;
      switch (report.type) {
        case 'profilePaused':
          return raise(cycle, 'profile', profileId, 'error', report.fault);
        case 'profileResumed':
          return clear(cycle, profileId, report.standing);
        case 'profileCrowded':
          return raise(cycle, 'profile', profileId, 'warning', report.fault);
        case 'profileRelieved':
          return clearAlert(store, cycle.organizationId, 'serverCrowded', profileId, { now: deps.now() });
      }
    },
    note: (summary) => writeCycleLog(store, summary),
    synchronized: async (cycle, operationIds, end) => {
      for (const operationId of operationIds) await reportSynchronized(deps, cycle, operationId, end);
    },
  };
};
