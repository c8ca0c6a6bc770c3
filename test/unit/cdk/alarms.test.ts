import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { deploymentMetricNames, figuresWithoutAlarm, laneMetricNames } from '../../../shared/platform/metric-names.ts';
import { at, list, ofType, property, synthesize } from './synthesize.ts';

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
    names: ['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
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

/** Fails when nobody writes a metric of this name with exactly these dimensions. */
const expectWritten = (namespace: string, name: string, dimensions: readonly string[]): void => {
  if (namespace === 'MailboxSync') {
    const known = laneNames.includes(name) ? ['Lane', 'service'] : ['service'];
    expect([...laneNames, ...deploymentNames]).toContain(name);
    expect([...dimensions].sort()).toEqual(known);
  } else {
    expect(awsMetrics[namespace]?.names).toContain(name);
    expect(dimensions).toEqual([awsMetrics[namespace]?.dimension]);
  }
};

const named = alarms.map((alarm) => [String(property(alarm, 'AlarmName')), alarm] as const);

describe('alarms', () => {
  it.each(named)('%s tells whom it concerns and leads to a section of the runbook', (_, alarm) => {
    const description = String(property(alarm, 'AlarmDescription'));
    const [, impact = '', section] = /^(.+[.]) What to do: docs\/runbook\.md#([a-z-]+)$/.exec(description) ?? [];
    expect(impact.length).toBeGreaterThan(30);
    expect(sections).toContain(section);
  });

  it.each(named)('%s watches a metric that somebody writes', (_, alarm) => {
    expectWritten(
      String(property(alarm, 'Namespace')),
      String(property(alarm, 'MetricName')),
      list(alarm, 'Dimensions').map((dimension) => String(at(dimension, 'Name'))),
    );
  });

  it('leave no metric without one that tells of what people feel', () => {
    const watched = alarms.map((alarm) => property(alarm, 'MetricName'));
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

  it('sound when the watchdog is silent, and only then without data', () => {
    const silent = alarms.filter((alarm) => property(alarm, 'TreatMissingData') === 'breaching');
    expect(silent.map((alarm) => property(alarm, 'AlarmName'))).toEqual(['mailbox-sync-watchdog-heartbeat']);
  });

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
      const dimensions = rest.filter((part) => typeof part === 'string').filter((_, index) => index % 2 === 0);
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
