import type { LocalCloud } from '../../local/local-cloud.ts';
import type { CloudTools } from './cloud-tools.ts';
import type { Company, DrilledMailbox } from './company.ts';

export interface DrillWorld {
  readonly cloud: LocalCloud;
  readonly tools: CloudTools;
  /** Between two readings its mailboxes have a timer. */
  readonly timed: Company;
  /** Between two readings its mailboxes have a message in the queue. */
  readonly queued: Company;
  readonly periodSeconds: number;
  readonly laneTimeoutSeconds: number;
}

/** What an operator's dashboard and the watchdog's log tell of the time since the fault. */
export interface WatchdogReport {
  readonly resent: number;
  readonly rebuilt: number;
  readonly failed: number;
  readonly latenessSeconds: number;
}

/** One fault of the deployment, made on purpose. */
export interface Drill {
  readonly name: string;
  /** What is broken, for the table. */
  readonly what: string;
  /** Alarms that watch for it, by their names without the deployment's prefix. */
  readonly alarms: readonly string[];
  /** Mailboxes must stop, or it has not been broken at all. */
  readonly stopsMailboxes: boolean;
  /** Breaks it, goes on working meanwhile, and mends what only a person mends. Recovery is measured from its end. */
  breakIt(world: DrillWorld, note: (text: string) => void): Promise<void>;
  /**
   * What a person sees of it, asked once all has recovered.
   * @throws Error when there is nothing where there should be something
   */
  tell(world: DrillWorld, since: number, watchdog: WatchdogReport): Promise<string>;
}

export const companiesOf = ({ timed, queued }: DrillWorld): readonly Company[] => [timed, queued];

export const everyMailbox = (
  world: DrillWorld,
  act: (company: Company, mailbox: DrilledMailbox, index: number) => Promise<void>,
): Promise<unknown> =>
  Promise.all(
    companiesOf(world).flatMap((company) => company.mailboxes.map((mailbox, index) => act(company, mailbox, index))),
  );

type LogLine = Readonly<Record<string, unknown>>;

/** Lambda's own lines and stack traces are no JSON. */
const parseLine = (line: string): readonly LogLine[] => {
  try {
    return [JSON.parse(line.slice(line.indexOf('{'))) as LogLine];
  } catch {
    return [];
  }
};

const numberIn = (line: LogLine, name: string): number => {
  const value = line[name];
  return typeof value === 'number' ? value : 0;
};

export const readWatchdog = async (tools: CloudTools, since: number): Promise<WatchdogReport> => {
  const lines = (await tools.readLog('watchdog', since)).flatMap(parseLine);
  const rounds = lines.filter(({ message }) => message === 'watchdog');
  const sum = (name: string): number => rounds.reduce((total, line) => total + numberIn(line, name), 0);
  return {
    resent: sum('resent'),
    rebuilt: sum('rebuilt'),
    failed: sum('failed'),
    latenessSeconds: Math.max(0, ...lines.map((line) => numberIn(line, 'OldestLatenessSeconds'))),
  };
};

/** The watchdog's own figures, without which nobody would learn that timers or messages were lost. */
export const tellLateness = ({ resent, latenessSeconds }: WatchdogReport): string => {
  if (resent === 0 || latenessSeconds === 0) throw new Error('The watchdog tells of nothing that it has started again');
  return `\`OldestLatenessSeconds\` rose to ${Math.round(latenessSeconds)} s; the watchdog's log tells of ${resent} started again`;
};
