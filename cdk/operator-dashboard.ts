import { Duration } from 'aws-cdk-lib';
import { AlarmStatusWidget, Dashboard, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { deploymentMetricNames, laneMetricNames, schedulerLane } from '../shared/platform/metric-names.ts';
import type { Api } from './api.ts';
import type { Feed } from './feed.ts';
import { graph } from './graph.ts';
import type { HubFunction } from './hub-function.ts';
import type { Lane } from './lane.ts';
import { deploymentMetric, laneMetric, resourceMetric } from './metrics.ts';
import { type OperatorAlarms, runbookPage } from './operator-alarms.ts';
import type { Schedules } from './schedules.ts';
import type { State } from './state.ts';

export interface OperatorDashboardProps {
  readonly prefix: string;
  readonly lanes: readonly Lane[];
  /** Those of them that run mailboxes by timers. */
  readonly cycleLanes: readonly Lane[];
  readonly webhooks: Lane;
  readonly schedules: Schedules;
  readonly state: State;
  readonly feed: Feed;
  readonly api: Api;
  readonly functions: readonly HubFunction[];
  readonly alarms: OperatorAlarms;
}

/** What an operator looks at: alarms, then the path of a mail from the timers through the lanes to the feed. */
export class OperatorDashboard extends Construct {
  constructor(scope: Construct, id: string, props: OperatorDashboardProps) {
    super(scope, id);
    const { prefix, lanes, cycleLanes, webhooks, functions } = props;
    const perLane = (metric: (lane: Lane) => IMetric): IMetric[] => lanes.map(metric);
    const perCycleLane = (metric: (lane: Lane) => IMetric): IMetric[] => cycleLanes.map(metric);
    const perFunction = (metricName: string, statistic: 'Sum' | 'p99'): IMetric[] =>
      functions.map(({ function: { functionName } }, index) =>
        resourceMetric(
          'AWS/Lambda',
          metricName,
          { FunctionName: functionName },
          { statistic, label: functionLabels[index] ?? functionName },
        ),
      );
    const functionLabels = functions.map(({ node }) => node.id);

    new Dashboard(this, 'Dashboard', {
      dashboardName: prefix,
      defaultInterval: Duration.hours(6),
      widgets: [
        [
          new TextWidget({
            markdown: `# ${prefix}\nEach alarm tells whom it concerns; what to do stands in \`${runbookPage}\`.`,
            width: 24,
            height: 2,
          }),
        ],
        [new AlarmStatusWidget({ title: 'Alarms', alarms: props.alarms.alarms, width: 24, height: 6 })],
        [
          graph(
            'Lateness: seconds that the most overdue mailbox is late',
            perCycleLane(({ name }) =>
              laneMetric(prefix, name, laneMetricNames.oldestLatenessSeconds, { statistic: 'Maximum', label: name }),
            ),
          ),
          graph(
            'Queue age: seconds that the oldest message waits',
            perLane(({ name, queue }) =>
              resourceMetric(
                'AWS/SQS',
                'ApproximateAgeOfOldestMessage',
                { QueueName: queue.queueName },
                { statistic: 'Maximum', label: name },
              ),
            ),
          ),
          graph('Dead letters', [
            ...[...[...lanes, webhooks].map(({ name }) => name), schedulerLane].map((name) =>
              laneMetric(prefix, name, laneMetricNames.deadLetters, { statistic: 'Sum', label: name }),
            ),
          ]),
        ],
        [
          graph(
            'Messages waiting',
            perLane(({ name, queue }) =>
              resourceMetric(
                'AWS/SQS',
                'ApproximateNumberOfMessagesVisible',
                { QueueName: queue.queueName },
                { statistic: 'Maximum', label: name },
              ),
            ),
          ),
          graph(
            'Invocations running at a time',
            perLane(({ name, hubFunction }) =>
              resourceMetric(
                'AWS/Lambda',
                'ConcurrentExecutions',
                { FunctionName: hubFunction.function.functionName },
                { statistic: 'Maximum', label: name },
              ),
            ),
          ),
          graph('Timers', [
            timers(props.schedules, 'InvocationAttemptCount', 'fired'),
            timers(props.schedules, 'TargetErrorCount', 'refused by the queue'),
            timers(props.schedules, 'InvocationThrottleCount', 'throttled'),
            timers(props.schedules, 'InvocationDroppedCount', 'dropped'),
          ]),
        ],
        [
          graph('Errors of functions', perFunction('Errors', 'Sum')),
          graph('Duration of functions, p99 in milliseconds', perFunction('Duration', 'p99')),
          graph('Throttles of functions', perFunction('Throttles', 'Sum')),
        ],
        [
          graph('Connections that the busiest server needs, in percent of what it has', [
            deploymentMetric(prefix, deploymentMetricNames.connectionDemandPercent, {
              statistic: 'Maximum',
              label: 'needed',
            }),
          ]),
          graph('Sends', [
            deploymentMetric(prefix, deploymentMetricNames.pendingSendOldestSeconds, {
              statistic: 'Maximum',
              label: 'age of the oldest pending, seconds',
            }),
            laneMetric(prefix, 'outgoing', laneMetricNames.unconfirmedSends, {
              statistic: 'Sum',
              label: 'unconfirmed',
            }),
          ]),
          graph('Change feed: milliseconds behind', [
            resourceMetric(
              'AWS/Lambda',
              'IteratorAge',
              { FunctionName: props.feed.hubFunction.function.functionName },
              { statistic: 'Maximum', label: 'feed' },
            ),
          ]),
          graph('Webhooks: seconds that events wait', [
            deploymentMetric(prefix, deploymentMetricNames.webhookLagSeconds, {
              statistic: 'Maximum',
              label: 'oldest event',
            }),
            resourceMetric(
              'AWS/SQS',
              'ApproximateAgeOfOldestMessage',
              { QueueName: webhooks.queue.queueName },
              { statistic: 'Maximum', label: 'queue age' },
            ),
          ]),
          graph(
            'Mailboxes turned off',
            perCycleLane(({ name }) =>
              laneMetric(prefix, name, laneMetricNames.mailboxesDisabled, { statistic: 'Sum', label: name }),
            ),
          ),
        ],
        [
          graph('API requests', [
            gateway(props.api, 'Count', 'all'),
            gateway(props.api, '4xx', '4xx'),
            gateway(props.api, '5xx', '5xx'),
          ]),
          graph('API latency in milliseconds', [
            resourceMetric(
              'AWS/ApiGateway',
              'Latency',
              { ApiId: props.api.httpApi.apiId },
              { statistic: 'p50', label: 'p50' },
            ),
            resourceMetric(
              'AWS/ApiGateway',
              'Latency',
              { ApiId: props.api.httpApi.apiId },
              { statistic: 'p99', label: 'p99' },
            ),
          ]),
          graph(
            'Units of the tables',
            (['cycles', 'records'] as const).flatMap((table) =>
              (['Write', 'Read'] as const).map((kind) =>
                resourceMetric(
                  'AWS/DynamoDB',
                  `Consumed${kind}CapacityUnits`,
                  { TableName: props.state[table].tableName },
                  { statistic: 'Sum', label: `${table} ${kind.toLowerCase()}` },
                ),
              ),
            ),
          ),
        ],
      ],
    });
  }
}

const timers = ({ group }: Schedules, metricName: string, label: string): IMetric =>
  resourceMetric('AWS/Scheduler', metricName, { ScheduleGroup: group.scheduleGroupName }, { statistic: 'Sum', label });

const gateway = ({ httpApi }: Api, metricName: string, label: string): IMetric =>
  resourceMetric('AWS/ApiGateway', metricName, { ApiId: httpApi.apiId }, { statistic: 'Sum', label });
