import { type Flood, floods } from './isolation/floods.ts';
import { type IsolationWorld, startIsolationWorld } from './isolation/isolation-world.ts';
import { type Probe, probeAll, probes, webhookPath } from './isolation/probes.ts';
import type { Figure, Progress, Row } from './support/figure.ts';
import { brief, percentile, times } from './support/format.ts';

/** What each organization may hold of a lane; ISOLATION_SHARE=100 shows what happens without shares. */
const sharePercent = Number(process.env['ISOLATION_SHARE'] ?? 40);
const probeMilliseconds = Number(process.env['ISOLATION_SECONDS'] ?? 45) * 1000;

interface Lateness {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const latenessOf = (seconds: readonly number[]): Lateness => ({
  p50: percentile(seconds, 0.5),
  p99: percentile(seconds, 0.99),
  max: Math.max(...seconds),
});

const show = ({ p50, p99, max }: Lateness): string => `${brief(p50)} / ${brief(p99)} / ${brief(max)} s`;

type Measured = ReadonlyMap<Probe, Lateness>;

const probeWhile = async (world: IsolationWorld, progress: Progress, what: string): Promise<Measured> => {
  const found = await probeAll(world, probeMilliseconds);
  const measured = new Map([...found].map(([probe, seconds]) => [probe, latenessOf(seconds)]));
  for (const [probe, lateness] of measured) progress(`${what}: ${probe.what}: ${show(lateness)}`);
  return measured;
};

const underFlood = async (world: IsolationWorld, progress: Progress, flood: Flood) => {
  const { stop, did } = await flood.start(world);
  const measured = await probeWhile(world, progress, flood.what);
  progress(`${flood.what}: ${did()}`);
  await stop();
  return measured;
};

const rowsOf = (calm: Measured, what: string, measured: Measured): readonly Row[] =>
  probes.flatMap((probe) => {
    const [atRest, flooded] = [calm.get(probe), measured.get(probe)];
    if (atRest === undefined || flooded === undefined) return [];
    return [
      {
        what: `${what}; ${probe.what}`,
        value: show(flooded),
        against: show(atRest),
        ratio: `p50 ${times(flooded.p50 / atRest.p50)}, max ${times(flooded.max / atRest.max)}`,
      },
    ];
  });

export const isolation: Figure = {
  describe: `one mailbox beside an organization that floods, lateness as p50 / p99 / max, shares of ${sharePercent} %, against the same at rest`,
  measure: async (progress) => {
    const world = await startIsolationWorld(sharePercent);
    try {
      const { other, endpoint, expect } = world;
      await expect(other.call('PUT', '/records/contact/ext:probe', { displayName: 'Probe' }));
      await expect(other.call('POST', '/webhooks', { url: endpoint.url(webhookPath), types: ['record.*'] }));
      // Cold starts, keys and the first reading are none of what is measured.
      for (const probe of probes) await probe.once(world, -1);
      const rows: Row[] = [];
      for (const flood of floods) {
        // Each time anew: what else the machine does changes from minute to minute.
        const calm = await probeWhile(world, progress, 'at rest');
        rows.push(...rowsOf(calm, flood.what, await underFlood(world, progress, flood)));
      }
      return rows;
    } finally {
      await world.stop();
    }
  },
};
