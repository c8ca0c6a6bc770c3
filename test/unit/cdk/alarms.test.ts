import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  deploymentMetricNames,
  figuresWithoutAlarm,
  laneMetricNames,
  schedulerLane,
} from '../../../shared/platform/metric-names.ts';
import { at, list, ofType, property, type Resource, synthesize } from './synthesize.ts';

const resources = synthesize();
const alarms = ofType(resources, 'AWS::CloudWatch::Alarm');
const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));

/** What AWS documents for the resources that we deploy. */
const awsMetrics: Readonly<Record<string, { readonly dimension: string; readonly names: readonly string[] }>> = {
  'AWS/Lambda': {
    dimension: 'FunctionName',
    names: ['Errors', 'Throttles', 'Duration', 'ConcurrentExecutions', 'IteratorAge'],
  },
  'AWS/SQS': {
    dimension: 'QueueName',
    names: [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'ApproximateNumberOfMessagesNotVisible',
    ],
  },
  'AWS/DynamoDB': {
    dimension: 'TableName',
    names: ['ReadThrottleEvents', 'WriteThrottleEvents', 'ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'],
  },
  'AWS/Scheduler': {
    dimension: 'ScheduleGroup',
    names: ['InvocationAttemptCount', 'InvocationDroppedCount', 'InvocationThrottleCount', 'TargetErrorCount'],
  },
  'AWS/ApiGateway': { dimension: 'ApiId', names: ['Count', '4xx', '5xx', 'Latency'] },
};

const laneNames: readonly string[] = Object.values(laneMetricNames);
const deploymentNames: readonly string[] = Object.values(deploymentMetricNames);

const mailLanes = ['incoming', 'outgoing'];
const lanes = [...mailLanes, 'operations', 'webhooks'];
/** Who writes a metric of the lanes, where that is not each of them. */
const writers: Readonly<Record<string, readonly string[]>> = {
  [laneMetricNames.oldestLatenessSeconds]: mailLanes,
  [laneMetricNames.mailboxesDisabled]: mailLanes,
  [laneMetricNames.cyclesCompleted]: mailLanes,
  [laneMetricNames.cyclesFailed]: mailLanes,
  [laneMetricNames.failingPercent]: mailLanes,
  [laneMetricNames.unconfirmedSends]: ['outgoing'],
  [laneMetricNames.idleRequestsPerCycle]: ['incoming'],
  [laneMetricNames.deadLetters]: [...lanes, schedulerLane],
};

type Dimension = readonly [name: string, value: unknown];

/** Fails when nobody writes a metric of this name with exactly these dimensions. */
const expectWritten = (namespace: string, name: string, dimensions: readonly Dimension[]): void => {
  const names = dimensions.map(([dimension]) => dimension);
  if (namespace === 'MailboxSync') {
    expect([...laneNames, ...deploymentNames]).toContain(name);
    expect([...names].sort()).toEqual(laneNames.includes(name) ? ['Lane', 'service'] : ['service']);
    const lane = dimensions.find(([dimension]) => dimension === 'Lane');
    if (lane !== undefined) expect(writers[name] ?? lanes).toContain(lane[1]);
  } else {
    expect(awsMetrics[namespace]?.names).toContain(name);
    expect(names).toEqual([awsMetrics[namespace]?.dimension]);
  }
};

const watchedBy = (alarm: Resource) => ({
  namespace: String(property(alarm, 'Namespace')),
  name: String(property(alarm, 'MetricName')),
  dimensions: list(alarm, 'Dimensions').map(
    (dimension): Dimension => [String(at(dimension, 'Name')), at(dimension, 'Value')],
  ),
  period: Number(property(alarm, 'Period')),
});

const named = alarms.map((alarm) => [String(property(alarm, 'AlarmName')), alarm] as const);

describe('alarms', () => {
  it.each(named)('%s tells whom it concerns and leads to a section of the runbook', (_, alarm) => {
    const description = String(property(alarm, 'AlarmDescription'));
    const [, impact = '', section] = /^(.+[.]) What to do: docs\/runbook\.md#([a-z-]+)$/.exec(description) ?? [];
    expect(impact.length).toBeGreaterThan(30);
    expect(sections).toContain(section);
  });

  it.each(named)('%s watches a metric that somebody writes', (_, alarm) => {
    const { namespace, name, dimensions } = watchedBy(alarm);
    expectWritten(namespace, name, dimensions);
  });

  it('leave no metric without one that tells of what people feel', () => {
    const watched = alarms.map((alarm) => watchedBy(alarm).name);
    const unwatched = [...laneNames, ...deploymentNames].filter((name) => !watched.includes(name));
    expect(unwatched.sort()).toEqual([...figuresWithoutAlarm].sort());
  });

  it.each(sections)(
    'have in the section %s what it does to people, where to look, what to do and how to see that it is done',
    (name) => {
      const text = runbook.split(/^## /m).find((section) => section.startsWith(`${name}\n`)) ?? '';
      const steps = [...text.matchAll(/^\*\*(\w+)[.]\*\*/gm)].map(([, step]) => step);
      expect(steps).toEqual(['Impact', 'Look', 'Do', 'Verify']);
    },
  );

  it('leave no section of the runbook without an alarm', () => {
    const used = alarms.map((alarm) => String(property(alarm, 'AlarmDescription')).split('#')[1]);
    expect(sections.filter((section) => !used.includes(section))).toEqual([]);
  });

  it('cost what the page on costs says', () => {
    const costs = readFileSync(new URL('../../../docs/costs.md', import.meta.url), 'utf8');
    expect(costs).toMatch(
      new RegExp(`\\| ${alarms.length}, the first 10 free, .*\\$${((alarms.length - 10) / 10).toFixed(2)} \\|`),
    );
  });

  it('watch each queue of dead letters for messages that nobody takes, and for those that are taken and not got done', () => {
    const watched = (metric: string): readonly string[] =>
      alarms
        .map(watchedBy)
        .filter(({ name }) => name === metric)
        .map(({ dimensions }) => JSON.stringify(dimensions))
        .filter((dimensions) => dimensions.includes('DeadLetter'))
        .sort();
    const undone = watched('ApproximateNumberOfMessagesNotVisible');
    expect(new Set(undone).size).toBe([...lanes, schedulerLane].length);
    expect(watched('ApproximateAgeOfOldestMessage')).toEqual(undone);
  });

  it('sound when the watchdog is silent, and only then without data', () => {
    const silent = alarms.filter((alarm) => property(alarm, 'TreatMissingData') === 'breaching');
    expect(silent.map((alarm) => property(alarm, 'AlarmName'))).toEqual(['mailbox-sync-watchdog-heartbeat']);
  });

  it.each([60, 300, 900, 3_600])(
    'look at what the watchdog measures every %d s in periods that each have a figure, and no longer than AWS allows',
    (watchdogPeriodSeconds) => {
      const ofWatchdog: readonly string[] = [
        ...deploymentNames,
        laneMetricNames.oldestLatenessSeconds,
        laneMetricNames.failingPercent,
      ];
      const slow = ofType(synthesize({ watchdogPeriodSeconds }), 'AWS::CloudWatch::Alarm');
      for (const alarm of slow) {
        const { name, period } = watchedBy(alarm);
        if (ofWatchdog.includes(name)) expect(period).toBeGreaterThanOrEqual(watchdogPeriodSeconds);
        const seconds = period * Number(property(alarm, 'EvaluationPeriods'));
        expect(seconds).toBeLessThanOrEqual(period < 3_600 ? 86_400 : 7 * 86_400);
      }
      const measured = slow.map((alarm) => watchedBy(alarm).name).filter((name) => ofWatchdog.includes(name));
      expect(new Set(measured).size).toBe(ofWatchdog.length);
    },
  );

  it('go to the topic of the operator where there is one', () => {
    const alarmTopicArn = 'arn:aws:sns:us-east-1:000000000000:operators';
    for (const { properties } of ofType(synthesize({ alarmTopicArn }), 'AWS::CloudWatch::Alarm'))
      expect(properties).toMatchObject({ AlarmActions: [alarmTopicArn], OKActions: [alarmTopicArn] });
    for (const { properties } of alarms) expect(properties).not.toHaveProperty('AlarmActions');
  });
});

/** The metric widgets of a dashboard, and the texts of its queries. */
const readDashboard = (name: string) => {
  const dashboard = ofType(resources, 'AWS::CloudWatch::Dashboard').find(
    (one) => property(one, 'DashboardName') === name,
  );
  // References to resources become text, so that what is left can be read as JSON.
  const parts = list(dashboard, 'DashboardBody.Fn::Join.1');
  const body: unknown = JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'reference')).join(''));
  const widgets = z.array(z.looseObject({ type: z.string() })).parse(at(body, 'widgets'));
  const graphs = z
    .array(z.object({ properties: z.object({ title: z.string(), metrics: z.array(z.array(z.unknown())) }) }))
    .parse(widgets.filter(({ type }) => type === 'metric'))
    .map(({ properties }) => properties);
  return { graphs, queries: widgets.filter(({ type }) => type === 'log') };
};

describe('the dashboards', () => {
  const main = readDashboard('mailbox-sync');
  const support = readDashboard('mailbox-sync-support');

  it.each([
    ['mailbox-sync', main, 40],
    ['mailbox-sync-support', support, 15],
  ] as const)('%s shows only metrics that somebody writes', (_, { graphs }, atLeast) => {
    const metrics = graphs.flatMap((graph) => graph.metrics);
    expect(metrics.length).toBeGreaterThan(atLeast);
    for (const [namespace, name, ...rest] of metrics) {
      const parts = rest.filter((part) => typeof part === 'string');
      const dimensions = parts.flatMap((part, index): Dimension[] =>
        index % 2 === 0 ? [[part, parts[index + 1]]] : [],
      );
      expectWritten(String(namespace), String(name), dimensions);
    }
  });

  it('show each lane, the sends, the feed and the API, and whose errors, which servers and what it costs', () => {
    const titles = [main, support].flatMap(({ graphs }) => graphs.map(({ title }) => title.split(':')[0]));
    expect(titles).toEqual(
      expect.arrayContaining(['Lateness', 'Queue age', 'Dead letters', 'Sends', 'Change feed', 'API requests', 'Cost']),
    );
    expect(support.queries).toHaveLength(4);
  });

  it('show every metric that the functions write', () => {
    const shown = new Set(
      [main, support].flatMap(({ graphs }) => graphs.flatMap(({ metrics }) => metrics.map(([, name]) => name))),
    );
    const left = [...laneNames, ...deploymentNames].filter((name) => !shown.has(name));
    // Told by alarms: that they are there at all is what they say.
    expect(left).toEqual([deploymentMetricNames.watchdogHeartbeat, deploymentMetricNames.feedSilenceSeconds]);
  });
});
