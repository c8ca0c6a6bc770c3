import * as z from 'zod';
import type { WrittenMetric } from './written-metrics.ts';

const statistic = z.enum(['Sum', 'Maximum', 'Average']);

/** A dimension that refers to a resource is a reference and not a text. */
const metricSchema = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]),
});

const rulesSchema = z.object({
  AlarmName: z.string(),
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanOrEqualToThreshold', 'LessThanThreshold']),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
});

const oneMetricSchema = rulesSchema
  .extend({ ...metricSchema.shape, Statistic: statistic })
  .transform(({ Namespace, MetricName, Dimensions, Statistic, ...rules }) => ({
    ...rules,
    metrics: [{ Namespace, MetricName, Dimensions, Statistic }],
  }));

const sumSchema = rulesSchema
  .extend({
    Metrics: z.array(
      z.union([
        z.object({ MetricStat: z.object({ Metric: metricSchema, Stat: statistic }) }),
        z.object({ Expression: z.string().regex(/^\w+( \+ \w+)*$/, 'Only sums are known here') }),
      ]),
    ),
  })
  .transform(({ Metrics, ...rules }) => ({
    ...rules,
    metrics: Metrics.flatMap((part) =>
      'MetricStat' in part ? [{ ...part.MetricStat.Metric, Statistic: part.MetricStat.Stat }] : [],
    ),
  }));

/** An alarm as the template describes it, on one metric or on the sum of several. */
const alarmSchema = z.union([oneMetricSchema, sumSchema]);
export type TemplateAlarm = z.output<typeof alarmSchema>;

export const readAlarm = (properties: unknown): TemplateAlarm => alarmSchema.parse(properties);

const statistics = {
  Sum: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0),
  Maximum: (values: readonly number[]) => Math.max(...values),
  Average: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

const isWatchedAs = (watched: TemplateAlarm['metrics'][number], metric: WrittenMetric): boolean =>
  watched.Namespace === metric.namespace &&
  watched.MetricName === metric.name &&
  watched.Dimensions.length === Object.keys(metric.dimensions).length &&
  watched.Dimensions.every(({ Name, Value }) => typeof Value !== 'string' || metric.dimensions[Name] === Value);

/** Whether the alarm sounds when this is what is written in each of its periods. */
export const sounds = (alarm: TemplateAlarm, written: readonly WrittenMetric[]): boolean => {
  const figures = alarm.metrics.flatMap((watched) => {
    const values = written.filter((metric) => isWatchedAs(watched, metric)).map(({ value }) => value);
    return values.length === 0 ? [] : [statistics[watched.Statistic](values)];
  });
  // A sum of which a part is missing is missing.
  if (figures.length < alarm.metrics.length) return alarm.TreatMissingData === 'breaching';
  const figure = statistics.Sum(figures);
  return alarm.ComparisonOperator === 'LessThanThreshold' ? figure < alarm.Threshold : figure >= alarm.Threshold;
};
