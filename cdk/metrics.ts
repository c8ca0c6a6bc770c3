import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type deploymentMetricNames,
  laneDimension,
  type laneMetricNames,
  metricNamespace,
  serviceDimension,
} from '../shared/platform/metric-names.ts';

type ValueOf<Type> = Type[keyof Type];
type Statistic = 'Sum' | 'Maximum' | 'Average' | 'p50' | 'p99';

interface MetricOptions {
  readonly statistic: Statistic;
  /** @default 5 minutes */
  readonly period?: Duration;
  readonly label?: string;
}

const withDefaults = (options: MetricOptions) => ({ period: Duration.minutes(5), ...options });

/** A metric that the functions of this deployment write for a lane. */
export const laneMetric = (
  prefix: string,
  lane: string,
  metricName: ValueOf<typeof laneMetricNames>,
  options: MetricOptions,
): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [serviceDimension]: prefix, [laneDimension]: lane },
    ...withDefaults(options),
  });

/** A metric that the functions of this deployment write for the whole of it. */
export const deploymentMetric = (
  prefix: string,
  metricName: ValueOf<typeof deploymentMetricNames>,
  options: MetricOptions,
): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [serviceDimension]: prefix },
    ...withDefaults(options),
  });

/** A metric that AWS itself writes for a resource. */
export const resourceMetric = (
  namespace: 'AWS/Lambda' | 'AWS/SQS' | 'AWS/DynamoDB' | 'AWS/Scheduler' | 'AWS/ApiGateway',
  metricName: string,
  dimensionsMap: Record<string, string>,
  options: MetricOptions,
): Metric => new Metric({ namespace, metricName, dimensionsMap, ...withDefaults(options) });
