import * as z from 'zod';
import { captureOutput } from './capture-output.ts';

/** One value that a function wrote for CloudWatch. */
export interface WrittenMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
}

const directiveSchema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.looseObject({ Name: z.string() })),
      }),
    ),
  }),
});

/** What CloudWatch takes out of a line in embedded metric format; nothing where the line is another one. */
export const readMetrics = (line: string): readonly WrittenMetric[] => {
  if (!line.includes('"CloudWatchMetrics"')) return [];
  const written = directiveSchema.parse(JSON.parse(line));
  return written._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.flatMap(({ Name }) =>
        z
          .array(z.number())
          .parse([written[Name]].flat())
          .map((value) => ({
            namespace: Namespace,
            name: Name,
            dimensions: Object.fromEntries(names.map((name) => [name, String(written[name])])),
            value,
          })),
      ),
    ),
  );
};

/** Does some work and returns the metrics that it wrote to its log, as Lambda would hand them on. */
export const captureMetrics = async (work: () => Promise<unknown>): Promise<readonly WrittenMetric[]> =>
  (await captureOutput(work)).split('\n').flatMap(readMetrics);

/** What the lane writes for a Send of which nobody knows whether it was delivered. */
export const unconfirmedSend: WrittenMetric = {
  namespace: 'MailboxSync',
  name: 'UnconfirmedSends',
  dimensions: { service: 'mailbox-sync', Lane: 'outgoing' },
  value: 1,
};
