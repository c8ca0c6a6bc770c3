import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { whoActsSchema } from '../platform/fault.ts';
import { partition } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';

export const alertActionSchema = z.enum(['yes', 'no', 'retry', 'testAndEnable', 'reconnect']);
export type AlertAction = z.output<typeof alertActionSchema>;

/** Something a person should know. Repeats of one cause raise `count` on the one open alert. */
export const alertSchema = z.object({
  ...entityShape,
  level: z.enum(['information', 'warning', 'error']),
  scope: z.enum(['email', 'mailbox', 'profile', 'organization']),
  code: z.string(),
  title: z.string(),
  detail: z.string(),
  cause: z.string(),
  fix: z.string(),
  whoActs: whoActsSchema,
  subject: z.object({ type: z.string(), id: z.string() }),
  mailboxId: z.string().nullable(),
  count: z.number().int().positive(),
  firstAt: z.string(),
  lastAt: z.string(),
  status: z.enum(['open', 'cleared', 'answered']),
  clearedBy: z.string().nullable(),
  /** What may be done about it with one press. */
  actions: z.array(alertActionSchema),
  /** Which of them was chosen, once it is answered. */
  answer: z.object({ action: alertActionSchema, by: z.string(), at: z.string() }).nullable().default(null),
});
export type Alert = z.output<typeof alertSchema>;

export const alertKind: EntityKind<Alert> = {
  kind: 'alert',
  prefix: 'alr',
  parse: (stored) => alertSchema.parse(stored),
  indexes: (organizationId, alert) =>
    alert.mailboxId === null ? {} : { mailboxKey: `${partition(organizationId, 'alert')}#${alert.mailboxId}` },
};
