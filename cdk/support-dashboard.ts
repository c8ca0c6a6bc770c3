import { Duration } from 'aws-cdk-lib';
import { Dashboard, LogQueryVisualizationType, LogQueryWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { deploymentMetricNames, laneMetricNames } from '../shared/platform/metric-names.ts';
import { graph } from './graph.ts';
import type { Lane } from './lane.ts';
import { deploymentMetric, laneMetric, resourceMetric } from './metrics.ts';
import type { State } from './state.ts';
import { type QuerySource, supportQueries, textOf } from './support-queries.ts';

export interface SupportDashboardProps {
  readonly prefix: string;
  /** Those that run cycles. */
  readonly cycleLanes: readonly Lane[];
  readonly lanes: readonly Lane[];
  readonly state: State;
  readonly logGroups: Readonly<Record<QuerySource, readonly ILogGroup[]>>;
}

/** What is looked at next: whose errors, at which servers, and what a cycle costs. */
export class SupportDashboard extends Construct {
  constructor(scope: Construct, id: string, props: SupportDashboardProps) {
    super(scope, id);
    const { prefix, cycleLanes, lanes, state } = props;
    const ofLanes = (from: readonly Lane[], metric: keyof typeof laneMetricNames, statistic: 'Sum' | 'Maximum') =>
      from.map(({ name }) => laneMetric(prefix, name, laneMetricNames[metric], { statistic, label: name }));
    const table = (question: string): LogQueryWidget => {
      const query = supportQueries.find((one) => one.question.startsWith(`${question} `));
      if (query === undefined) throw new Error(`There is no question ${question}`);
      return new LogQueryWidget({
        title: query.question,
        logGroupNames: query.sources.flatMap((source) =>
          props.logGroups[source].map(({ logGroupName }) => logGroupName),
        ),
        queryString: textOf(query.lines),
        view: LogQueryVisualizationType.TABLE,
        width: 12,
        height: 8,
      });
    };

    new Dashboard(this, 'Dashboard', {
      dashboardName: `${prefix}-support`,
      defaultInterval: Duration.hours(6),
      widgets: [
        [
          new TextWidget({
            markdown: `# ${prefix}: errors, servers, cost\nThe saved queries of Logs Insights in the folder \`${prefix}\` answer what support is asked.`,
            width: 24,
            height: 2,
          }),
        ],
        [
          graph('Cycles that ended well', ofLanes(cycleLanes, 'cyclesCompleted', 'Sum')),
          graph('Cycles that failed', ofLanes(cycleLanes, 'cyclesFailed', 'Sum')),
          graph(
            'Share of mailboxes that failed within the hour, in percent',
            ofLanes(cycleLanes, 'failingPercent', 'Maximum'),
          ),
        ],
        [table('3'), table('4')],
        [table('5'), table('9')],
        [
          graph('Deliveries that waited for a connection or a share', ofLanes(cycleLanes, 'cyclesWaiting', 'Sum')),
          graph('Organizations whose share of a lane is used up', ofLanes(lanes, 'sharesUsedUp', 'Sum')),
          graph('Server profiles most of whose mailboxes fail', [
            deploymentMetric(prefix, deploymentMetricNames.profilesFailing, {
              statistic: 'Maximum',
              label: 'profiles',
            }),
          ]),
          graph('Connections that the busiest server needs, in percent of what it has', [
            deploymentMetric(prefix, deploymentMetricNames.connectionDemandPercent, {
              statistic: 'Maximum',
              label: 'needed',
            }),
          ]),
        ],
        [
          graph('Messages that a lane failed on', ofLanes(lanes, 'defects', 'Sum')),
          graph('Requests that AWS refused for there being too many', ofLanes(lanes, 'serviceThrottles', 'Sum')),
          graph('Cost: requests to AWS for an idle cycle', [
            laneMetric(prefix, 'incoming', laneMetricNames.idleRequestsPerCycle, {
              statistic: 'Average',
              period: Duration.hours(1),
              label: 'incoming',
            }),
          ]),
        ],
        [
          graph(
            'Cost: units of the cycles table',
            (['Write', 'Read'] as const).map((kind) =>
              resourceMetric(
                'AWS/DynamoDB',
                `Consumed${kind}CapacityUnits`,
                { TableName: state.cycles.tableName },
                { statistic: 'Sum', period: Duration.hours(1), label: kind.toLowerCase() },
              ),
            ),
          ),
        ],
      ],
    });
  }
}
