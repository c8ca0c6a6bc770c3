import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** Where a question looks for its answer. */
export type QuerySource = 'lanes' | 'api' | 'access' | 'watchdog' | 'deadLetters' | 'all';

export interface SupportQuery {
  /** What support is asked. */
  readonly question: string;
  readonly sources: readonly QuerySource[];
  readonly lines: readonly string[];
}

/** To be replaced by whoever runs the query. */
const mailbox = 'mbx_REPLACE_ME';
const requestId = 'req_REPLACE_ME';

/** A lane's line tells of several cycles: one record for each. */
const eachCycle = ['fields jsonParse(@message) as line', 'unnest line.cycles into cycle'];

/** The questions that support is asked, and what answers them. */
export const supportQueries: readonly SupportQuery[] = [
  {
    question: "1 When is this mailbox's next sync, and what happened in the last five cycles",
    sources: ['lanes'],
    lines: [
      `filter @message like "${mailbox}"`,
      ...eachCycle,
      `filter cycle.mailboxId = "${mailbox}"`,
      'display @timestamp, cycle.workload, cycle.outcome, cycle.code, cycle.counts.seen, cycle.milliseconds, cycle.nextRunAt, cycle.nextReason',
      'sort @timestamp desc',
      'limit 5',
    ],
  },
  {
    question: '2 Why does this mailbox wait',
    sources: ['lanes'],
    lines: [
      `filter @message like "${mailbox}"`,
      ...eachCycle,
      `filter cycle.mailboxId = "${mailbox}" and cycle.outcome in ["pushedBack", "waiting", "waitsForShare", "suspended", "stale"]`,
      'display @timestamp, cycle.workload, cycle.reason, cycle.outcome, cycle.waitSeconds',
      'sort @timestamp desc',
      'limit 50',
    ],
  },
  {
    question: '3 Which errors are there, by lane and code',
    sources: ['lanes'],
    lines: [
      'filter @message like "\\"code\\""',
      ...eachCycle,
      'filter ispresent(cycle.code)',
      'stats count(*) as cycles, count_distinct(cycle.mailboxId) as mailboxes by cycle.workload, cycle.code, cycle.level',
      'sort cycles desc',
    ],
  },
  {
    question: '4 Which mailboxes fail most',
    sources: ['lanes'],
    lines: [
      'filter @message like "\\"code\\""',
      ...eachCycle,
      'filter ispresent(cycle.code)',
      'stats count(*) as failures, max(cycle.consecutiveFailures) as inARow by cycle.organizationId, cycle.mailboxId, cycle.workload, cycle.code',
      'sort failures desc',
      'limit 50',
    ],
  },
  {
    question: '5 Which mailboxes were turned off, when and why',
    sources: ['lanes'],
    lines: [
      'filter @message like "\\"disabled\\""',
      ...eachCycle,
      'filter ispresent(cycle.disabled)',
      'display @timestamp, cycle.organizationId, cycle.mailboxId, cycle.workload, cycle.code',
      'sort @timestamp desc',
      'limit 200',
    ],
  },
  {
    question: '6 Which cycles take longest',
    sources: ['lanes'],
    lines: [
      ...eachCycle,
      'filter ispresent(cycle.milliseconds)',
      'stats pct(cycle.milliseconds, 50) as median, pct(cycle.milliseconds, 99) as p99, max(cycle.milliseconds) as longest by cycle.mailboxId, cycle.workload',
      'sort longest desc',
      'limit 50',
    ],
  },
  {
    question: '7 Which mailboxes move most mail',
    sources: ['lanes'],
    lines: [
      'filter @message like "\\"counts\\""',
      ...eachCycle,
      'filter ispresent(cycle.counts.seen)',
      'stats sum(cycle.counts.seen) as seen, sum(cycle.counts.tracked) as tracked, sum(cycle.counts.failed) as failed by cycle.organizationId, cycle.mailboxId, cycle.workload',
      'sort seen desc',
      'limit 50',
    ],
  },
  {
    question: '8 What became of this API request',
    sources: ['api'],
    lines: [
      `filter requestId = "${requestId}"`,
      'fields @timestamp, level, message, method, route, status, milliseconds, error.name, error.message',
      'sort @timestamp asc',
    ],
  },
  {
    question: '9 Which API requests fail or are slow',
    sources: ['access'],
    lines: [
      'filter status >= 400 or milliseconds > 5000',
      'stats count(*) as requests, max(milliseconds) as slowest by method, path, status',
      'sort requests desc',
      'limit 100',
    ],
  },
  {
    question: '10 What did the functions themselves fail on',
    sources: ['all'],
    lines: [
      // Lambda's own lines of what was thrown, of time-outs and of lost processes are not JSON.
      'filter level = "ERROR" or @message like /\\sERROR\\s|Task timed out|Runtime\\./',
      'fields @timestamp, @log, message, lane, messageId, error.name, error.message, @message',
      'sort @timestamp desc',
      'limit 100',
    ],
  },
  {
    question: '11 What did the watchdog start again, and how late was the latest',
    sources: ['watchdog'],
    lines: [
      'filter message = "watchdog"',
      'fields @timestamp, resent, timedOut, rebuilt, enabled, latenessSeconds.incoming, latenessSeconds.outgoing, failingPercent.incoming, failingPercent.outgoing, profilesFailing, failed',
      'sort @timestamp desc',
      'limit 100',
    ],
  },
  {
    question: '12 What was given up after fifty deliveries',
    sources: ['deadLetters'],
    lines: [
      'filter message = "A message was given up"',
      'fields @timestamp, lane, messageId, readable',
      'sort @timestamp desc',
      'limit 100',
    ],
  },
];

export const textOf = (lines: SupportQuery['lines']): string => lines.join('\n| ');

export interface SupportQueriesProps {
  readonly prefix: string;
  readonly logGroups: Readonly<Record<QuerySource, readonly ILogGroup[]>>;
}

/** Saves the queries in CloudWatch Logs Insights, in a folder of the deployment's name. */
export class SupportQueries extends Construct {
  constructor(scope: Construct, id: string, { prefix, logGroups }: SupportQueriesProps) {
    super(scope, id);
    // The construct with a builder of its own knows neither jsonParse nor unnest.
    for (const [index, { question, sources, lines }] of supportQueries.entries())
      new CfnQueryDefinition(this, `Query${index + 1}`, {
        name: `${prefix}/${question}`,
        queryString: textOf(lines),
        logGroupNames: sources.flatMap((source) => logGroups[source].map(({ logGroupName }) => logGroupName)),
      });
  }
}
