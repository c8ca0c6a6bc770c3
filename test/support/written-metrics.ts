import * as z from 'zod';

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

/** Does some work and returns the metrics that it wrote to its standard output, as Lambda would hand them on. */
export const captureMetrics = async (work: () => Promise<unknown>): Promise<readonly WrittenMetric[]> => {
  const { stdout } = process;
  const write = stdout.write;
  let text = '';
  stdout.write = (chunk: string | Uint8Array): boolean => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    return true;
  };
  try {
    await work();
  } finally {
    stdout.write = write;
  }
  return text.split('\n').flatMap(readMetrics);
};

/** What the lane writes for a Send of which nobody knows whether it was delivered. */
export const unconfirmedSend: WrittenMetric = {
  namespace: 'MailboxSync',
  name: 'UnconfirmedSends',
  dimensions: { service: 'mailbox-sync', Lane: 'outgoing' },
  value: 1,
};
