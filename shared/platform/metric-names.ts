/**
 * The deployment's own metrics, written as embedded metric format (EMF) once per invocation. Alarms and the dashboard
 * name them from here, so a metric that nobody writes any more cannot keep an alarm.
 *
 * CloudWatch takes a metric with other dimensions for another metric: write exactly the dimensions told here.
 * `service` is on each (the Powertools library adds it by itself from POWERTOOLS_SERVICE_NAME) and keeps two
 * deployments in one account apart.
 */
export const metricNamespace = 'MailboxSync';

/** Dimension of every metric; its value is the environment variable POWERTOOLS_SERVICE_NAME. */
export const serviceDimension = 'service';

/** Second dimension of the lane metrics; its value is `incoming`, `outgoing` or `operations`. */
export const laneDimension = 'Lane';

/** Value of the lane dimension for what EventBridge Scheduler could not deliver. */
export const schedulerLane = 'scheduler';

/** Dimensions: `service` and `Lane`. */
export const laneMetricNames = {
  /** Seconds by which the most overdue cycle of the lane is late; 0 when none is. By the watchdog, each run. */
  oldestLatenessSeconds: 'OldestLatenessSeconds',
  /** Mailboxes whose workload a permanent error or the last retry turned off. Count, by the lane. */
  mailboxesDisabled: 'MailboxesDisabled',
  /** Recipients whose delivery could not be decided. Count, by the lane `outgoing`. */
  unconfirmedSends: 'UnconfirmedSends',
  /** Messages taken from a dead-letter queue. Count, by the dead-letters function; also with Lane `scheduler`. */
  deadLetters: 'DeadLetters',
  /** Runs that ended well, idle ones included. Count, by the lane. */
  cyclesCompleted: 'CyclesCompleted',
  /** Runs that ended with a fault of a server or a login. Count, by the lane. */
  cyclesFailed: 'CyclesFailed',
  /** Deliveries that had to wait: for a connection, for another run, or for the organization's share. Count, by the lane. */
  cyclesWaiting: 'CyclesWaiting',
  /** Share of the lane's cycles that failed within the hour, where there are twenty or more. By the watchdog. */
  failingPercent: 'FailingPercent',
  /** Messages on which the lane itself failed; they are delivered again. Count, by the lane. */
  defects: 'Defects',
  /** Of those, the ones that AWS refused for too many requests: DynamoDB, KMS, SQS, Scheduler, S3. Count, by the lane. */
  serviceThrottles: 'ServiceThrottles',
  /** Times that an organization's share of the lane had been used up for half an hour. Count, by the lane. */
  sharesUsedUp: 'SharesUsedUp',
  /** Requests to AWS for each cycle, of invocations in which every cycle was idle. By the lane `incoming`. */
  idleRequestsPerCycle: 'IdleRequestsPerCycle',
} as const;

/** Shown on dashboards; what they tell of troubles other metrics tell as well, and have the alarms. */
export const figuresWithoutAlarm: readonly string[] = [
  laneMetricNames.cyclesCompleted,
  laneMetricNames.cyclesFailed,
  laneMetricNames.cyclesWaiting,
];

/** Dimension: `service` alone. */
export const deploymentMetricNames = {
  /** 1 at the end of each complete run of the watchdog. */
  watchdogHeartbeat: 'WatchdogHeartbeat',
  /** Age in seconds of the oldest accepted Send that is due and neither sent nor failed; 0 when there is none. */
  pendingSendOldestSeconds: 'PendingSendOldestSeconds',
  /** Seconds since the feed function last noted that it reads the stream. By the watchdog, each run. */
  feedSilenceSeconds: 'FeedSilenceSeconds',
  /**
   * Age in seconds of the oldest event that a webhook waits for whose endpoint takes events; 0 when there is none. By the
   * watchdog, each run.
   */
  webhookLagSeconds: 'WebhookLagSeconds',
  /**
   * Connections that the busiest server profile needs, in percent of those that reading may use, were no interval
   * stretched. By the watchdog, each run.
   */
  connectionDemandPercent: 'ConnectionDemandPercent',
  /** Server profiles of five mailboxes or more, more than half of which failed within the hour. By the watchdog. */
  profilesFailing: 'ProfilesFailing',
} as const;
