import { createFleet } from './scale/fleet.ts';
import { type Day, type Lateness, simulateDay } from './scale/simulate-day.ts';
import { Durations, type Rate } from './scale/statistics.ts';
import type { Figure, Row } from './support/figure.ts';
import { brief, decimals, seconds, whole } from './support/format.ts';

/** Published default quotas of us-east-1, November 2026; requests per second unless told. */
const quotas = {
  createSchedule: 1_000,
  schedulerInvocations: 1_000,
  fifoRequests: 70_000,
  lambdaConcurrency: 1_000,
  onDemandReadUnits: 40_000,
  onDemandWriteUnits: 40_000,
  partitionReadUnits: 3_000,
  partitionWriteUnits: 1_000,
  objectPuts: 3_500,
} as const;

const mailboxes = 100_000;
const utilizations = [0.35, 0.5, 0.65, 0.8, 0.9];
/** A connection is held for 1.3 s about every 347 s. */
const connectionsPerMailbox = 1.3 / 347;
const outage = { server: 2, fromHour: 9, hours: 2 };
const concurrency = { incoming: 100, outgoing: 50 };

const latenessRow = (what: string, { whole: all, own }: Lateness): Row[] => [
  {
    what: `${what}: from due to begun, p50 / p99 / max`,
    value: [all.percentile(0.5), all.percentile(0.99), all.most].map(seconds).join(' / '),
  },
  {
    what: `${what}: of it ours (queue, function, connections)`,
    value: [own.percentile(0.5), own.percentile(0.99), own.most].map(seconds).join(' / '),
  },
];

const rateRow = (what: string, rates: readonly Rate[], quota: number): Row => {
  const mean = rates.reduce((sum, rate) => sum + rate.mean, 0);
  const peak = rates.reduce((sum, rate) => sum + rate.peak, 0);
  return {
    what,
    value: `${brief(mean)}/s, peak ${brief(peak)}/s`,
    budget: `quota ${whole(quota)}/s`,
    ratio: `${decimals((100 * peak) / quota, 1)} % of it`,
    kept: peak <= quota,
  };
};

const rowsOf = (day: Day, fleet: ReturnType<typeof createFleet>, time: string): Row[] => {
  const { usage, lanes, servers } = day;
  const classes = utilizations.map((utilization, number) => {
    const merged = new Durations();
    for (const [server, own] of day.ownByServer.entries())
      if (server % utilizations.length === number && server !== outage.server) merged.merge(own);
    return { utilization, merged };
  });
  const limits = fleet.profiles.map(({ maxConnections }) => maxConnections);
  const { hottest } = usage.counterWrites;
  return [
    {
      what: `${whole(mailboxes)} mailboxes on ${limits.length} servers (limits ${Math.min(...limits)} to ${Math.max(...limits)}), ${time}`,
      value: `${whole(day.cycles)} incoming cycles, ${whole(day.mails)} messages, ${whole(day.sends)} sends`,
      against: `${whole(day.events)} events in ${whole(day.seconds / 60)} min`,
    },
    ...latenessRow('incoming', day.lateness.incoming),
    ...latenessRow('outgoing (Send accepted)', day.lateness.outgoing),
    ...classes.map(({ utilization, merged }) => ({
      what: `incoming, servers planned for ${utilization * 100} % use: ours, p50 / p99 / max`,
      value: [merged.percentile(0.5), merged.percentile(0.99), merged.most].map(seconds).join(' / '),
    })),
    {
      what: 'connections above a limit',
      value: whole(servers.overLimit),
      budget: '0',
      kept: servers.overLimit === 0,
    },
    {
      what: `server down for 2 hours: its ${whole(day.recovery.count)} mailboxes well again, p50 / p99 / max`,
      value: [day.recovery.percentile(0.5), day.recovery.percentile(0.99), day.recovery.most].map(seconds).join(' / '),
    },
    { what: 'sent again by the watchdog', value: whole(day.resent), against: `${whole(day.tickets)} tickets taken` },
    rateRow('Scheduler: CreateSchedule', [usage.timersCreated], quotas.createSchedule),
    rateRow('Scheduler: timers fired', [usage.timersFired], quotas.schedulerInvocations),
    rateRow('SQS: SendMessage', [usage.queueSends], quotas.fifoRequests),
    rateRow('SQS: ReceiveMessage', [usage.queueReceives], quotas.fifoRequests),
    rateRow('SQS: DeleteMessageBatch', [usage.queueDeletes], quotas.fifoRequests),
    rateRow('SQS: ChangeMessageVisibility', [usage.queuePushBacks], quotas.fifoRequests),
    rateRow('DynamoDB: cycles, read units', [usage.cyclesReads], quotas.onDemandReadUnits),
    rateRow('DynamoDB: cycles, write units', [usage.cyclesWrites], quotas.onDemandWriteUnits),
    rateRow('DynamoDB: records, read units', [usage.recordsReads], quotas.onDemandReadUnits),
    rateRow('DynamoDB: records, write units', [usage.recordsWrites], quotas.onDemandWriteUnits),
    rateRow('S3: PutObject', [usage.objects], quotas.objectPuts),
    {
      what: 'hot key: write units of one connection counter',
      value: `peak ${whole(hottest.peak)}/s`,
      budget: `${whole(quotas.partitionWriteUnits)}/s of a partition`,
      kept: hottest.peak <= quotas.partitionWriteUnits,
    },
    rateRow('hot key: decisions, were it one organization', [usage.decisionWrites], quotas.partitionWriteUnits),
    rateRow('hot key: the organization itself, read units', [usage.organizationReads], quotas.partitionReadUnits),
    ...(['incoming', 'outgoing'] as const).map((lane) => ({
      what: `Lambda ${lane}: invocations at a time`,
      value: `${brief(lanes[lane].busyMilliseconds / 1000 / day.simulatedSeconds)}, peak ${lanes[lane].mostInFlight}`,
      against: `${decimals(lanes[lane].messagesTaken / lanes[lane].batchesTaken, 1)} messages a batch; at most ${whole(lanes[lane].mostWaiting)} waiting`,
      budget: `event source ${concurrency[lane]}, account ${whole(quotas.lambdaConcurrency)}`,
    })),
    {
      what: 'watchdog: longest scan, processor time',
      value: seconds(day.longestScanMilliseconds / 1000),
      budget: '240 s of the function',
      kept: day.longestScanMilliseconds < 240_000,
    },
  ];
};

export const scale: Figure = {
  describe: 'a day of 100,000 mailboxes on a virtual clock, by the product’s own cycles, throttle and watchdog',
  measure: async (progress) => {
    // Most errors here are runs that wait their turn; where they were made is of no interest.
    Error.stackTraceLimit = 0;
    const fromHour = Number(process.env['BENCH_FROM_HOUR'] ?? 0);
    const hours = Number(process.env['BENCH_HOURS'] ?? 24);
    const fleet = createFleet({ mailboxes, servers: 50, utilizations, connectionsPerMailbox });
    const began = performance.now();
    const day = await simulateDay({
      fleet,
      fromHour,
      hours,
      warmUpMinutes: 15,
      concurrency,
      mailsPerDay: 40,
      trackedShare: 0.3,
      sendsPerDay: 5,
      outage,
      onProgress: (hour) => progress(`${hour}:00, after ${whole((performance.now() - began) / 1000)} s`),
    });
    return rowsOf(day, fleet, `hour ${fromHour} to ${fromHour + hours}`);
  },
};
