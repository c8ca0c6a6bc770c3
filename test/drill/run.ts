import { parseArgs } from 'node:util';
import { startLocalCloud } from '../../local/local-cloud.ts';
import { localFile } from '../../local/paths.ts';
import { createProgress } from '../../local/progress.ts';
import { createCloudTools } from './cloud-tools.ts';
import { Company } from './company.ts';
import type { Drill } from './drill.ts';
import { feedOff } from './drills/feed-off.ts';
import { queues, schedules, schedulesAndQueues } from './drills/lost-wakes.ts';
import { restart } from './drills/restart.ts';
import { restore } from './drills/restore.ts';
import { shortTimeOut } from './drills/short-time-out.ts';
import { tornCycles } from './drills/torn-cycles.ts';
import { type DrillResult, runDrill } from './run-drill.ts';

// The restoring one is the last: what knows the tables by the outputs of the first deployment is wrong after it.
const drills: readonly Drill[] = [
  schedules,
  queues,
  schedulesAndQueues,
  tornCycles,
  feedOff,
  shortTimeOut,
  restart,
  restore,
];

// Overdue (visibility 50 s + grace 120 s) and one period of the watchdog together stay within two periods.
const periodSeconds = 180;
const laneTimeoutSeconds = 20;
const mailboxesEach = 6;
/** Above what goes to the queue at once, and below it. */
const timedSeconds = 30;
const queuedSeconds = 12;

const addresses = (from: number): readonly string[] =>
  Array.from({ length: mailboxesEach }, (_, index) => `user${from + index}@example.test`);

const choose = (names: readonly string[]): readonly Drill[] => {
  const known = drills.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`There is no drill ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  return names.length === 0 ? drills : drills.filter(({ name }) => names.includes(name));
};

const renderTable = (results: readonly DrillResult[]): string =>
  [
    ['drill', 'what is broken', 'stopped', 'all complete again after', 'mail', 'what a person sees'],
    ['---', '---', '---', '---', '---', '---'],
    ...results.map(({ name, what, stopped, recovery, mail, seen, isPassed }) => [
      `\`${name}\``,
      what,
      stopped,
      recovery,
      isPassed ? mail : `FAILED: ${mail}`,
      seen,
    ]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const main = async (): Promise<number> => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const chosen = choose(positionals);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => controller.abort(new Error('Stopped on request.')));
  const progress = createProgress(process.stderr);
  const cloud = await startLocalCloud({
    progress,
    signal: controller.signal,
    persist: true,
    logDirectory: await localFile('drill-logs'),
    context: {
      watchdogPeriodSeconds: String(periodSeconds),
      laneTimeoutSeconds: String(laneTimeoutSeconds),
    },
  });
  const aborted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  const results: DrillResult[] = [];
  const runAll = async (): Promise<void> => {
    const { environment } = cloud;
    const [timed, queued] = await progress.step('Found two organizations with mailboxes', () =>
      Promise.all([
        Company.found(environment, 'timed', addresses(1), timedSeconds),
        Company.found(environment, 'queued', addresses(1 + mailboxesEach), queuedSeconds),
      ]),
    );
    const tools = createCloudTools(environment);
    const world = { cloud, tools, timed, queued, periodSeconds, laneTimeoutSeconds };
    for (const drill of chosen)
      results.push(
        await progress.step(`Drill ${drill.name}: ${drill.what}`, async (note) => {
          const result = await runDrill(drill, world, note);
          note(result.isPassed ? `recovered in ${result.recovery}` : `FAILED: ${result.mail}`);
          return result;
        }),
      );
  };
  try {
    await Promise.race([runAll(), aborted]);
    return results.every(({ isPassed }) => isPassed) ? 0 : 1;
  } finally {
    process.stdout.write(`\n${renderTable(results)}\n`);
    await cloud.stop();
  }
};

process.exit(await main());
