import { afterAll, expect, test } from 'vitest';
import { CampaignWorld } from './campaign/campaign-world.ts';
import { PointCover } from './campaign/cover-points.ts';
import { everyAction } from './scenario/actions.ts';

const roundsPerRun = 4;
const mostRuns = 20;

const worlds = new CampaignWorld(mostRuns + 1);
const cover = new PointCover();
const options = { actionsOf: everyAction, aftermathSeconds: 1_200 };

afterAll(() => worlds.stop());

test('keeps all promises when nothing fails, and shows the points at which something could', async () => {
  const result = await worlds.play(1, [[]], options);
  cover.note(result);

  expect(result.violations).toEqual([]);
  expect(cover.openPoints.length).toBeGreaterThan(200);
});

test('keeps all promises when a process is killed at any point, and when any other fault strikes', async () => {
  for (let run = 1; run <= mostRuns; run += 1) {
    const rounds = Array.from({ length: roundsPerRun }, () => cover.plan()).filter((faults) => faults.length > 0);
    if (rounds.length === 0) break;
    const result = await worlds.play(1 + run, rounds, options);
    cover.note(result);

    expect(result.violations, JSON.stringify(result.injected, undefined, 1)).toEqual([]);
  }

  expect(cover.openKinds).toEqual([]);
  expect(cover.openPoints).toEqual([]);
});
