import * as z from 'zod';

const limit = (description: string) =>
  z.int().min(0).max(1_000_000_000_000).nullable().default(null).meta({ description });

/** What an operator grants an organization; null: nothing limits it. Mail that comes in is never refused for any of it. */
export const quotaSchema = z
  .strictObject({
    mailboxes: limit('Mailboxes.'),
    sendsPerDay: limit('Sends accepted in a day (UTC).'),
    storedBytes: limit('Bytes of stored messages, above which no email is written and no file added.'),
    apiCallsPerDay: limit('Requests in a day (UTC).'),
    connections: limit(
      'Connections that all server profiles may allow together, and so mailboxes that are worked on at once.',
    ),
    laneSharePercent: z.int().min(1).max(100).nullable().default(null).meta({
      description:
        'Percent of the places of each lane that work for the organization may hold at a time; null: as the deployment has it. Counts within ten minutes.',
    }),
    requestsPerSecond: z.int().min(1).max(10_000).nullable().default(null).meta({
      description: 'Requests per second of one key, or of one user over all sessions; null: 200.',
    }),
  })
  .meta({ id: 'Quota' });
export type Quota = z.output<typeof quotaSchema>;
export type QuotaName = Exclude<keyof Quota, 'requestsPerSecond' | 'laneSharePercent'>;
