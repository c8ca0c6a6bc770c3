import { eventually } from '../../support/eventually.ts';
import { checkContent } from '../invariants/content.ts';
import { checkFeed } from '../invariants/feed.ts';
import { checkIncomingMail } from '../invariants/incoming-mail.ts';
import { checkConnections, checkLiveness, findUnsettled } from '../invariants/liveness.ts';
import { observe, scanTable } from '../invariants/observation.ts';
import { checkSends } from '../invariants/sends.ts';
import type { Evidence, Violation } from '../invariants/violation.ts';
import { FaultPlan, type InjectedFault, type PlannedFault } from '../plan/fault-plan.ts';
import { createRandom, type Random } from '../plan/random.ts';
import { type Action, drawActions } from '../scenario/actions.ts';
import { type Cast, createCast } from '../scenario/cast.ts';
import { createLedger, type Ledger } from '../scenario/ledger.ts';
import { runWorld } from '../world/run-world.ts';
import { type World, watchdogPeriodSeconds } from '../world/world.ts';
import { cleanUp } from './clean-up.ts';

export interface CaseResult {
  readonly seed: number;
  readonly injected: readonly InjectedFault[];
  readonly reached: ReadonlyMap<string, number>;
  /** Points at which a planned fault should have struck and did not. */
  readonly missed: ReadonlySet<string>;
  readonly violations: readonly Violation[];
}

export interface CaseOptions {
  readonly operatorKey: string;
  /** Which mail users play; a run takes four that nobody has played before. */
  readonly firstMailUser: number;
  /** What happens in a round [drawn by the seed]. */
  readonly actionsOf?: (random: Random) => readonly Action[];
  /** Faults may strike for so long after the last action of a round [400]. */
  readonly aftermathSeconds?: number;
}

const defaultAftermathSeconds = 400;
/** Within so long all must have come to rest once no fault strikes any more. */
const patienceSeconds = 9_000;
const recoverySeconds = 2 * watchdogPeriodSeconds + 60;

/** Nothing runs, and nothing that was written or sent is still to be read. */
const isAtRest = ({ invoker, stream, lanes }: World): boolean =>
  invoker.count() === 0 && stream.isQuiet && !lanes.hasUnread;

/**
 * Waits until Postfix has handed over what it took. The world's clock does not wait for it, so what must be in a mailbox
 * by the time that it is read or looked into must be waited for.
 */
const untilDelivered = ({ mail }: World): Promise<unknown> =>
  eventually(async () => ((await mail.postfix.queuedMessages()) === 0 ? true : undefined), {
    what: 'Postfix has handed over all mail',
    seconds: 60,
  });

/** Waits until all has come to rest, or for so long that it never will. */
const recover = async (world: World, cast: Cast, since: number): Promise<void> => {
  await world.clock.pause(recoverySeconds);
  for (;;) {
    const [cycles, records] = [await scanTable(world, world.cyclesTable), await scanTable(world, world.recordsTable)];
    const now = world.clock.now();
    if (findUnsettled({ world, cast }, { cycles, records, now }, since).length === 0) return;
    if (now - since > patienceSeconds * 1000) return;
    await world.clock.pause(watchdogPeriodSeconds);
  }
};

/** One round after the other: mail comes and goes while faults strike, then the world recovers. */
const play = async (
  world: World,
  cast: Cast,
  ledger: Ledger,
  seed: number,
  rounds: readonly (readonly PlannedFault[])[],
  { actionsOf = drawActions, aftermathSeconds = defaultAftermathSeconds }: CaseOptions,
): Promise<number> => {
  const random = createRandom(seed ^ 0x5eed);
  const plan = world.plan();
  let marks = 0;
  let since = world.clock.now();
  const mark = (): string => {
    marks += 1;
    return `mark-${seed}-${marks}`;
  };
  for (const faults of rounds) {
    plan.arm(faults);
    for (const action of actionsOf(random)) {
      await action({ world, cast, ledger, random, round: plan.round, mark });
      await world.clock.pause(random.pick([0, 1, 5, 30, 90]));
    }
    await world.clock.pause(aftermathSeconds);
    plan.disarm();
    await untilDelivered(world);
    since = world.clock.now();
    await recover(world, cast, since);
  }
  // The last Sends may have been accepted meanwhile.
  await untilDelivered(world);
  return since;
};

/** Plays one seeded run with these faults in each of its rounds, and checks what became of it. */
export const runCase = async (
  world: World,
  seed: number,
  rounds: readonly (readonly PlannedFault[])[],
  options: CaseOptions,
): Promise<CaseResult> => {
  const plan = new FaultPlan();
  world.setPlan(plan);
  const ledger = createLedger();
  const mailUsers = world.mail.environment.users.slice(options.firstMailUser, options.firstMailUser + 4);
  let cast: Cast | undefined;
  let since = 0;
  let failure: unknown;
  let isOver = false;
  const script = (async () => {
    cast = await createCast(world, options.operatorKey, mailUsers, createRandom(seed));
    since = await play(world, cast, ledger, seed, rounds, options);
  })()
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      plan.disarm();
      isOver = true;
      world.pulse.beat();
    });
  await runWorld(
    world,
    () => isOver && (failure !== undefined || isAtRest(world)),
    () => (!isOver && !world.clock.isPaused) || world.mailProxy.isRestarting,
  );
  await script;
  const violations: Violation[] = [];
  if (failure !== undefined)
    violations.push({ kind: 'defect', what: failure instanceof Error ? failure.message : String(failure) });
  if (cast !== undefined && failure === undefined) {
    const evidence: Evidence = { world, cast, ledger, plan, observation: await observe(world, cast) };
    violations.push(
      ...checkIncomingMail(evidence),
      ...checkContent(evidence),
      ...checkSends(evidence),
      ...checkLiveness(evidence, since),
      ...checkConnections(evidence),
      ...checkFeed(evidence),
    );
    for (const body of world.lanes.givenUp) violations.push({ kind: 'stuck', what: `a message was given up: ${body}` });
  }
  await cleanUp(world);
  return { seed, injected: plan.injected, reached: plan.reached, missed: plan.missed, violations };
};
