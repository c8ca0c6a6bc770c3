import { parseArgs } from 'node:util';
import { createRandom } from '../plan/random.ts';
import { addResult, beginRecord, describeRecord, loadRecord, saveRecord } from './campaign-record.ts';
import { CampaignWorld } from './campaign-world.ts';
import { drawPlan } from './draw-plan.ts';

const usage = `npm run fault -- [--runs N] [--faults N] [--seed S] [--resume] [--only SEED]
  --runs    how many runs to play [100]; each has several rounds of faults
  --faults  play until so many faults have struck, instead
  --seed    where the seeds of the runs begin [1]
  --resume  go on with the campaign of that seed
  --only    play one run again, as a failure named it`;

const roundsPerRun = 3;
const runsPerWorld = 40;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    faults: { type: 'string' },
    seed: { type: 'string', default: '1' },
    resume: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const roundsOf = (seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: roundsPerRun }, () => drawPlan(random));
};

const playOne = async (seed: number): Promise<boolean> => {
  const worlds = new CampaignWorld(1);
  try {
    const { injected, violations } = await worlds.play(seed, roundsOf(seed));
    for (const { round, kind, point } of injected) console.log(`round ${round}: ${kind} @ ${point}`);
    for (const { kind, what } of violations) console.log(`${kind}: ${what}`);
    return violations.length === 0;
  } finally {
    await worlds.stop();
  }
};

const playCampaign = async (): Promise<boolean> => {
  const seed = Number(values.seed);
  const record = values.resume ? await loadRecord(seed) : beginRecord(seed);
  const isDone = (): boolean =>
    values.faults === undefined ? record.runs >= Number(values.runs) : record.faults >= Number(values.faults);
  const worlds = new CampaignWorld(runsPerWorld);
  let stopping = false;
  process.once('SIGINT', () => {
    stopping = true;
    console.log('Stopping after this run; --resume goes on');
  });
  try {
    while (!isDone() && !stopping) {
      const begun = performance.now();
      const runSeed = seed * 100_000 + record.runs;
      const result = await worlds.play(runSeed, roundsOf(runSeed));
      const seconds = (performance.now() - begun) / 1000;
      addResult(record, result, seconds);
      await saveRecord(record);
      const failed = record.failures.length;
      console.log(
        `run ${record.runs} (seed ${runSeed}): ${result.injected.length} faults in ${seconds.toFixed(1)} s; ` +
          `${record.faults} faults so far, ${failed === 0 ? 'all promises kept' : `${failed} runs failed`}`,
      );
      for (const { kind, what } of result.violations) console.log(`  ${kind}: ${what}`);
      if (result.violations.length > 0) console.log(`  Again: npm run fault -- --only ${runSeed}`);
    }
  } finally {
    await worlds.stop();
  }
  console.log(`\n${describeRecord(record)}`);
  return record.failures.length === 0;
};

if (values.help) console.log(usage);
else {
  const kept = values.only === undefined ? await playCampaign() : await playOne(Number(values.only));
  process.exitCode = kept ? 0 : 1;
}
