import { eventually } from '../../local/eventually.ts';
import type { Company, DrilledMailbox } from './company.ts';
import { companiesOf, type Drill, type DrillWorld, readWatchdog } from './drill.ts';

export interface DrillResult {
  readonly name: string;
  readonly what: string;
  readonly isPassed: boolean;
  readonly stopped: string;
  readonly recovery: string;
  readonly mail: string;
  readonly seen: string;
}

/** Longer without a reading than any wait of a healthy mailbox: it was the watchdog that started it again. */
const stoppedSeconds = 100;
/** Besides two periods of the watchdog: until the first run that is due, and the run itself. */
const slackSeconds = 60;

/** Seconds from `since` to the end of the first complete successful reading that began after it. */
const firstCycle = async (company: Company, mailbox: DrilledMailbox, since: number, seconds: number): Promise<number> =>
  eventually(
    async () => {
      const schedule = await company.schedule(mailbox).catch(() => undefined);
      const { lastStartedAt, lastCompletedAt, lastSuccessAt } = schedule?.workloads.incoming ?? {};
      if (lastStartedAt == null || lastCompletedAt == null || lastSuccessAt !== lastCompletedAt) return undefined;
      return Date.parse(lastStartedAt) > since ? (Date.parse(lastCompletedAt) - since) / 1000 : undefined;
    },
    { what: `${mailbox.address} completes a cycle again`, seconds, everyMilliseconds: 3000 },
  );

const countMail = (world: DrillWorld) =>
  companiesOf(world).reduce(
    (sum, { counts, unconfirmed }) => ({
      received: sum.received + counts.received,
      sent: sum.sent + counts.sent,
      unconfirmed: sum.unconfirmed + unconfirmed,
    }),
    { received: 0, sent: 0, unconfirmed: 0 },
  );

/** Makes the fault, waits until all is well again and looks from outside whether everything was kept. */
export const runDrill = async (drill: Drill, world: DrillWorld, note: (text: string) => void): Promise<DrillResult> => {
  const failures: string[] = [];
  const before = countMail(world);
  const begunAt = Date.now();
  await drill.breakIt(world, note).catch((error: Error) => failures.push(error.message));
  const brokenAt = Date.now();
  const limit = 2 * world.periodSeconds + slackSeconds;
  const recoveries = await Promise.all(
    companiesOf(world).flatMap((company) =>
      company.mailboxes.map((mailbox) =>
        firstCycle(company, mailbox, brokenAt, limit).catch((error: Error) => {
          failures.push(error.message);
          return limit;
        }),
      ),
    ),
  );
  const remaining = Math.max(20, limit - (Date.now() - brokenAt) / 1000);
  await Promise.all(companiesOf(world).map((company) => company.settle(remaining))).catch((error: Error) =>
    failures.push(error.message),
  );
  const stopped = recoveries.filter((seconds) => seconds > stoppedSeconds).length;
  if (drill.stopsMailboxes && stopped === 0) failures.push('no mailbox stopped, so nothing was tried');
  for (const company of companiesOf(world)) failures.push(...(await company.findViolations()));
  const after = countMail(world);
  const unconfirmed = after.unconfirmed - before.unconfirmed;
  const mail = [
    `${after.received - before.received} tracked`,
    `${after.sent - before.sent - unconfirmed} sent`,
    ...(unconfirmed === 0 ? [] : [`${unconfirmed} unconfirmed, with an alert`]),
  ];
  const alarms = await world.tools.listAlarms();
  for (const name of drill.alarms) if (!alarms.includes(name)) failures.push(`there is no alarm ${name}`);
  const watchdog = await readWatchdog(world.tools, begunAt);
  const seen = await drill.tell(world, begunAt, watchdog).catch((error: Error) => {
    failures.push(error.message);
    return '';
  });
  return {
    name: drill.name,
    what: drill.what,
    isPassed: failures.length === 0,
    stopped: `${stopped} of ${recoveries.length}`,
    recovery: `${Math.round(Math.max(...recoveries))} s`,
    mail: failures.length === 0 ? mail.join(', ') : failures.join('; '),
    seen: [seen, `alarms: ${drill.alarms.map((name) => `\`${name}\``).join(', ')}`].filter(Boolean).join('; '),
  };
};
