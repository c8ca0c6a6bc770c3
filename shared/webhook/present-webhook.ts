import * as z from 'zod';
import { decodeFeedCursor, encodeFeedCursor } from '../feed/feed-cursor.ts';
import { measureLag } from '../feed/read-feed.ts';
import { faultSchema } from '../platform/fault.ts';
import type { RecordsTable } from '../platform/records-table.ts';
import { type Webhook, webhookSchema } from './webhook.ts';
import type { WebhookState } from './webhook-state.ts';

export const webhookAnswerSchema = webhookSchema
  .omit({ startCursor: true, secret: true, previousSecret: true, olderSecrets: true })
  .extend({
    previousSecretUntil: z
      .string()
      .nullable()
      .meta({ description: 'Until when the secret before this one signs, too.' }),
    delivery: z
      .object({
        cursor: z.string().meta({ description: 'Up to where all events have been delivered.' }),
        lag: z.int().nonnegative().nullable().meta({
          description:
            'Events of the feed after that, those of other types included; null where the cursor has expired.',
        }),
        failedAttempts: z.int().nonnegative().meta({ description: 'At the next event.' }),
        nextAttemptAt: z.string().nullable(),
        lastSuccessAt: z.string().nullable(),
        fault: faultSchema.nullable().meta({ description: 'What the last attempt met, while it is being repeated.' }),
      })
      .meta({ description: 'Figures that move without the version.' }),
  })
  .meta({ id: 'Webhook' });

const toInstant = (milliseconds: number | null | undefined): string | null =>
  milliseconds == null ? null : new Date(milliseconds).toISOString();

/** `state`: undefined before the first look. */
export const presentWebhook = async (
  table: RecordsTable,
  organizationId: string,
  webhook: Webhook,
  state: WebhookState | undefined,
  now: Date,
): Promise<z.output<typeof webhookAnswerSchema>> => {
  const { startCursor, secret: _, previousSecret, olderSecrets: __, ...shown } = webhook;
  const cursor = state === undefined ? startCursor : encodeFeedCursor(state);
  const until = previousSecret?.until ?? null;
  return {
    ...shown,
    previousSecretUntil: until !== null && Date.parse(until) > now.getTime() ? until : null,
    delivery: {
      cursor,
      lag: await measureLag(table, organizationId, decodeFeedCursor(cursor) ?? 'start', now),
      failedAttempts: state?.attempts ?? 0,
      nextAttemptAt: webhook.status === 'enabled' ? toInstant(state?.due) : null,
      lastSuccessAt: toInstant(state?.lastSuccessAt),
      fault: state?.fault ?? null,
    },
  };
};
