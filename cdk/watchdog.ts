import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { deploymentMetricNames } from '../shared/platform/metric-names.ts';
import { HubFunction } from './hub-function.ts';
import { deploymentMetric, resourceMetric } from './metrics.ts';
import type { OperatorAlarms } from './operator-alarms.ts';

export interface WatchdogProps {
  readonly prefix: string;
  /** Whole minutes. */
  readonly periodSeconds: number;
  /** How long a lane's message stays with the function that received it; until then a cycle is not overdue. */
  readonly visibilitySeconds: number;
}

/** Looks at every cycle once a period and starts again what is overdue. */
export class Watchdog extends Construct {
  readonly hubFunction: HubFunction;
  private readonly prefix: string;
  private readonly period: Duration;
  /**
   * Of alarms on what the watchdog measures, five minutes at least: in a shorter one than its own there would be periods
   * without a figure, and an alarm takes those for good ones.
   */
  readonly alarmPeriod: Duration;

  constructor(scope: Construct, id: string, props: WatchdogProps) {
    super(scope, id);
    this.prefix = props.prefix;
    this.period = Duration.seconds(props.periodSeconds);
    this.alarmPeriod = Duration.seconds(Math.max(300, props.periodSeconds));
    this.hubFunction = new HubFunction(this, 'Watchdog', {
      name: 'watchdog',
      prefix: props.prefix,
      description: 'Starts again what is overdue and measures lateness',
      // Ends before the next one begins, so that two never look at once.
      timeout: Duration.seconds(Math.min(240, props.periodSeconds - 5)),
      // The next period is the retry.
      retryAttempts: 0,
      // A call that Lambda throttles is no failed one: it would wait for hours, and all of them would start together.
      maxEventAge: Duration.minutes(1),
    });
    this.hubFunction.addEnvironment({
      WATCHDOG_PERIOD_SECONDS: String(props.periodSeconds),
      LANE_VISIBILITY_SECONDS: String(props.visibilitySeconds),
    });
    // A rule of EventBridge and not a schedule of EventBridge Scheduler: what watches over the timers must not stop
    // together with the service that keeps them.
    new Rule(this, 'Rate', {
      description: `Starts the watchdog of ${props.prefix}`,
      schedule: Schedule.rate(this.period),
      targets: [new LambdaFunction(this.hubFunction.function)],
    });
  }

  addAlarms(alarms: OperatorAlarms): void {
    const measured = { statistic: 'Maximum', period: this.alarmPeriod } as const;
    alarms.add({
      name: 'watchdog-heartbeat',
      impact:
        'The watchdog does not complete its rounds: mailboxes whose timer is lost stay still, and lateness is not measured.',
      runbook: 'watchdog-heartbeat',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.watchdogHeartbeat, {
        statistic: 'Sum',
        period: this.period,
      }),
      threshold: 1,
      below: true,
      periods: 3,
      missingIsFault: true,
    });
    alarms.add({
      name: 'watchdog-errors',
      impact:
        'The watchdog cannot look after some items: a cycle or an operation may stay still. All others are watched.',
      runbook: 'watchdog-errors',
      metric: resourceMetric(
        'AWS/Lambda',
        'Errors',
        { FunctionName: this.hubFunction.function.functionName },
        { statistic: 'Sum', period: this.period },
      ),
      threshold: 1,
      periods: 3,
    });
    alarms.add({
      name: 'feed-silent',
      impact:
        'Nobody reads the stream of changes: CRMs learn of nothing new. After 24 hours changes are lost to the feed.',
      runbook: 'feed-behind',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.feedSilenceSeconds, measured),
      // A reader notes itself every ten minutes, if the watchdog has given it something to read.
      threshold: Math.max(1_800, 600 + 3 * this.period.toSeconds()),
    });
    alarms.add({
      name: 'profiles-failing',
      impact:
        'More than half of the mailboxes of a server profile failed within the hour: no mail moves for the people on that server.',
      runbook: 'profiles-failing',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.profilesFailing, measured),
      threshold: 1,
      periods: 2,
    });
    alarms.add({
      name: 'connections-short',
      impact:
        'The mailboxes of a server profile need more connections than it allows: they are read less often than set.',
      runbook: 'connections-short',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.connectionDemandPercent, measured),
      threshold: 100,
      // An hour.
      periods: Math.max(1, Math.ceil(3_600 / this.alarmPeriod.toSeconds())),
    });
    alarms.add({
      name: 'pending-send-age',
      impact: 'An accepted email has been waiting to be sent for more than 15 minutes.',
      runbook: 'pending-send-age',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.pendingSendOldestSeconds, measured),
      threshold: 900,
      periods: 2,
    });
    alarms.add({
      name: 'webhook-lag',
      impact:
        'Events wait for more than 15 minutes for a webhook whose endpoint takes events: its CRM learns of mail late.',
      runbook: 'webhook-lag',
      metric: deploymentMetric(this.prefix, deploymentMetricNames.webhookLagSeconds, measured),
      threshold: 900,
      periods: 2,
    });
  }
}
