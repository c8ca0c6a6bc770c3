import type { Violation } from '../invariants/violation.ts';
import type { InvokedFunction } from '../process/function-code.ts';
import { everyAction } from '../scenario/actions.ts';
import { CampaignWorld } from './campaign-world.ts';
import { PointCover } from './cover-points.ts';

const roundsPerRun = 3;
const mostRuns = 12;

export interface Coverage {
  /** Found in a run in which nothing failed. */
  readonly calmViolations: readonly Violation[];
  /** Runs with faults in which a promise was not kept, with what struck. */
  readonly failures: readonly { readonly violations: readonly Violation[]; readonly faults: readonly string[] }[];
  readonly cover: PointCover;
}

/**
 * Kills a process of these functions once at each point that a run reaches; with `kinds` every other kind of fault
 * strikes at least once, too. Ends at the first run that keeps not all promises.
 */
export const coverFunctions = async (functions: readonly InvokedFunction[], kinds: boolean): Promise<Coverage> => {
  const worlds = new CampaignWorld(mostRuns + 1);
  const cover = new PointCover(functions);
  const options = { actionsOf: everyAction, aftermathSeconds: 1_200 };
  const failures: Coverage['failures'][number][] = [];
  try {
    const calm = await worlds.play(1, [[]], options);
    cover.note(calm);
    for (let run = 1; run <= mostRuns && failures.length === 0; run += 1) {
      const rounds = Array.from({ length: roundsPerRun }, () => cover.plan(kinds)).filter(({ length }) => length > 0);
      const isDone = cover.openPoints.length === 0 && (!kinds || cover.openKinds.length === 0);
      if (rounds.length === 0 || (isDone && run > 1)) break;
      const result = await worlds.play(1 + run, rounds, options);
      cover.note(result);
      if (result.violations.length > 0)
        failures.push({
          violations: result.violations,
          faults: result.injected.map(({ round, kind, point }) => `${round}: ${kind} @ ${point}`),
        });
    }
    return { calmViolations: calm.violations, failures, cover };
  } finally {
    await worlds.stop();
  }
};
