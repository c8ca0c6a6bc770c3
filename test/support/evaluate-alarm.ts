import * as z from 'zod';
import type { WrittenMetric } from './written-metrics.ts';

/** An alarm as the template describes it; a dimension that refers to a resource is a reference and not a text. */
const alarmSchema = z.object({
  AlarmName: z.string(),
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]),
  Statistic: z.enum(['Sum', 'Maximum', 'Average']),
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanOrEqualToThreshold', 'LessThanThreshold']),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
});
export type TemplateAlarm = z.output<typeof alarmSchema>;

export const readAlarm = (properties: unknown): TemplateAlarm => alarmSchema.parse(properties);

const statistics = {
  Sum: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0),
  Maximum: (values: readonly number[]) => Math.max(...values),
  Average: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
};

const isWatchedBy = (alarm: TemplateAlarm, metric: WrittenMetric): boolean =>
  alarm.Namespace === metric.namespace &&
  alarm.MetricName === metric.name &&
  alarm.Dimensions.length === Object.keys(metric.dimensions).length &&
  alarm.Dimensions.every(({ Name, Value }) => typeof Value !== 'string' || metric.dimensions[Name] === Value);

/** Whether the alarm sounds when this is what is written in each of its periods. */
export const sounds = (alarm: TemplateAlarm, written: readonly WrittenMetric[]): boolean => {
  const values = written.filter((metric) => isWatchedBy(alarm, metric)).map(({ value }) => value);
  if (values.length === 0) return alarm.TreatMissingData === 'breaching';
  const figure = statistics[alarm.Statistic](values);
  return alarm.ComparisonOperator === 'LessThanThreshold' ? figure < alarm.Threshold : figure >= alarm.Threshold;
};
