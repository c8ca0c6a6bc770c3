import { GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';

/** A third of a dashboard's width, from zero upwards. */
export const graph = (title: string, left: IMetric[]): GraphWidget =>
  new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0, showUnits: false } });
