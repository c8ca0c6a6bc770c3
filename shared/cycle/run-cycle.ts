import { movesEmail } from '../organization/organization.ts';
import { armCycle } from './arm-cycle.ts';
import { type CycleDependencies, type Delivery, done, earlyReasons, type Verdict } from './cycle-delivery.ts';
import { finishCycle, reportAnswered } from './finish-cycle.ts';
import { runWithConnection } from './run-with-connection.ts';
import { waitFor } from './wait-for-turn.ts';

const earlyToleranceMilliseconds = 1_000;

/**
 * A timer was armed long enough ago for every replica to know its generation. Should something have happened to the cycle
 * since, a run meets it at its lease, its cursor or its end, as one does that was overtaken after a strong read. What
 * would not run at all is read again: a replica must not be the reason for it.
 */
const readCycle = async ({ store }: CycleDependencies, { message, receiveCount }: Delivery) => {
  const { organizationId, mailboxId, workload, generation, reason } = message;
  if (reason === 'timer' && receiveCount === 1) {
    const cycle = await store.read(organizationId, mailboxId, workload, 'eventual');
    if (cycle?.enabled === true && cycle.generation === generation && cycle.due !== null) return cycle;
  }
  return store.read(organizationId, mailboxId, workload);
};

/** One delivery of one cycle. Throws only on defects and when AWS fails: the queue then delivers it again. */
export const runCycle = async (deps: CycleDependencies, delivery: Delivery): Promise<Verdict> => {
  const { message } = delivery;
  const startedAt = deps.now().getTime();
  const cycle = await readCycle(deps, delivery);
  if (cycle === undefined) return done('stale');
  await reportAnswered(deps, cycle, cycle.synchronized, { succeeded: cycle.lastSuccessAt === cycle.lastCompletedAt });
  if (!cycle.enabled || message.generation > cycle.generation) return done('stale');
  if (message.generation < cycle.generation) {
    // The run of this message may have died between completing and arming: arming again costs one call and saves it.
    if (message.generation === cycle.generation - 1) await armCycle(deps, cycle);
    return done('stale');
  }
  if (cycle.due === null) return done('idle');

  const organization = await deps.loader.organization(cycle.organizationId);
  if (organization === undefined) return done('stale');
  if (!movesEmail(organization)) return done('suspended');

  const waitsUntil = earlyReasons.has(message.reason) ? 0 : (cycle.waitsUntil ?? 0);
  const startsAt = Math.max(cycle.due, waitsUntil);
  if (startsAt - startedAt > earlyToleranceMilliseconds) return waitFor(deps, cycle, delivery, startsAt);

  if (deps.runner.look !== undefined) {
    const look = await deps.runner.look(cycle.organizationId, cycle.mailboxId, deps.now());
    if (!look.due && cycle.probing !== true)
      return finishCycle(
        deps,
        cycle,
        organization,
        undefined,
        { at: startedAt, reason: message.reason },
        {
          kind: 'completed',
          stretch: 1,
          outcome: {
            counts: { seen: 0, tracked: 0, skipped: 0, failed: 0 },
            more: false,
            backlog: 0,
            nextDue: look.nextDue,
          },
        },
      );
  }
  return runWithConnection(deps, cycle, organization, delivery, startedAt);
};
