import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { localFile } from '../../../local/paths.ts';
import { violationKinds } from '../invariants/violation.ts';
import { allFaultKinds } from '../plan/fault-kinds.ts';
import type { CaseResult } from './run-case.ts';

const countsSchema = z.record(z.enum(violationKinds), z.int());
const kindSchema = z.object({ runs: z.int(), faults: z.int(), violations: countsSchema });

const recordSchema = z.object({
  seed: z.int(),
  /** Runs that have been played. */
  runs: z.int(),
  faults: z.int(),
  seconds: z.number(),
  byKind: z.record(z.string(), kindSchema),
  /** How often a fault struck at each point. */
  points: z.record(z.string(), z.int()),
  /** Seeds of the runs in which a promise was not kept, and what was found. */
  failures: z.array(z.object({ seed: z.int(), violations: z.array(z.string()), faults: z.array(z.string()) })),
});
export type CampaignRecord = z.output<typeof recordSchema>;

const noViolations = () => ({ lost: 0, doubled: 0, stuck: 0, overLimit: 0, feed: 0, defect: 0 });

const fileOf = (seed: number): Promise<string> => localFile(`fault-campaign-${seed}.json`);

export const beginRecord = (seed: number): CampaignRecord => ({
  seed,
  runs: 0,
  faults: 0,
  seconds: 0,
  byKind: Object.fromEntries(allFaultKinds.map((kind) => [kind, { runs: 0, faults: 0, violations: noViolations() }])),
  points: {},
  failures: [],
});

/** What was kept of a campaign that was broken off. */
export const loadRecord = async (seed: number): Promise<CampaignRecord> =>
  recordSchema.parse(JSON.parse(await readFile(await fileOf(seed), 'utf8')));

export const saveRecord = async (record: CampaignRecord): Promise<void> =>
  writeFile(await fileOf(record.seed), JSON.stringify(record, undefined, 1));

/** Adds the outcome of one run. */
export const addResult = (record: CampaignRecord, result: CaseResult, seconds: number): void => {
  record.runs += 1;
  record.faults += result.injected.length;
  record.seconds += seconds;
  for (const { kind, point } of result.injected) {
    record.points[point] = (record.points[point] ?? 0) + 1;
    const counted = record.byKind[kind];
    if (counted !== undefined) counted.faults += 1;
  }
  for (const kind of new Set(result.injected.map((one) => one.kind))) {
    const counted = record.byKind[kind];
    if (counted === undefined) continue;
    counted.runs += 1;
    for (const violation of result.violations) counted.violations[violation.kind] += 1;
  }
  if (result.violations.length === 0) return;
  record.failures.push({
    seed: result.seed,
    violations: result.violations.map(({ kind, what }) => `${kind}: ${what}`),
    faults: result.injected.map(({ round, kind, point }) => `${round} ${kind} @ ${point}`),
  });
};

/** The table of results, as Markdown. */
export const describeRecord = (record: CampaignRecord): string => {
  const { runs, faults, seconds, byKind, failures, points } = record;
  const total = noViolations();
  for (const { violations } of failures)
    for (const kind of violationKinds) total[kind] += violations.filter((text) => text.startsWith(`${kind}:`)).length;
  const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    row('fault', 'runs', 'faults', 'lost', 'doubled', 'stuck', 'over limit', 'feed', 'other'),
    row('---', ...Array.from({ length: 8 }, () => '---:')),
    ...Object.entries(byKind).map(([kind, { runs: struck, faults: count, violations }]) =>
      row(kind, struck, count, ...violationKinds.map((one) => violations[one])),
    ),
    row('**all**', runs, faults, ...violationKinds.map((one) => total[one])),
    '',
    `Seed ${record.seed}; ${Object.keys(points).length} points struck; ${Math.round(seconds)} s.`,
    ...failures.map(({ seed, violations }) => `Run ${seed} failed: ${violations.join('; ')}`),
  ].join('\n');
};
