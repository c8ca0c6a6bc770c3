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
} as const;

/** Dimension: `service` alone. */
export const deploymentMetricNames = {
  /** 1 at the end of each complete run of the watchdog. */
  watchdogHeartbeat: 'WatchdogHeartbeat',
  /** Age in seconds of the oldest accepted Send that is due and neither sent nor failed; 0 when there is none. */
  pendingSendOldestSeconds: 'PendingSendOldestSeconds',
  /** Seconds since the feed function last noted that it reads the stream. By the watchdog, each run. */
  feedSilenceSeconds: 'FeedSilenceSeconds',
  /**
   * Connections that the busiest server profile needs, in percent of those that reading may use, were no interval
   * stretched. By the watchdog, each run.
   */
  connectionDemandPercent: 'ConnectionDemandPercent',
  /** Server profiles of five mailboxes or more, more than half of which failed within the hour. By the watchdog. */
  profilesFailing: 'ProfilesFailing',
} as const;
