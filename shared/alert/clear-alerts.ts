import * as z from 'zod';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { type Alert, alertKind, alertSchema } from './alert.ts';
import { clearAlertById } from './raise-alert.ts';

/** Which alerts a person means. */
export const alertFilterSchema = z.strictObject({
  level: alertSchema.shape.level.optional(),
  scope: alertSchema.shape.scope.optional(),
  code: z.string().min(1).max(100).optional(),
  mailboxId: z.string().max(250).optional(),
});
type AlertFilter = z.output<typeof alertFilterSchema>;

export const clearedSchema = z
  .object({
    cleared: z.int(),
    more: z.boolean().meta({ description: 'More alerts may fit: repeat the request.' }),
  })
  .meta({ id: 'ClearedAlerts' });

const clearsAtOnce = 8;
const pageSize = 100;
const mostPerRequest = 500;
const mostMilliseconds = 20_000;

const fits = (alert: Alert, filter: AlertFilter): boolean =>
  alert.status === 'open' &&
  (filter.level ?? alert.level) === alert.level &&
  (filter.scope ?? alert.scope) === alert.scope &&
  (filter.code ?? alert.code) === alert.code &&
  (filter.mailboxId ?? alert.mailboxId) === alert.mailboxId;

/** Clears the open alerts that fit, newest first, within the time of one request. Can be repeated. */
export const clearAlerts = async (
  store: EntityStore,
  organizationId: string,
  filter: AlertFilter,
  { now, author }: { readonly now: () => Date; readonly author: Author },
): Promise<z.output<typeof clearedSchema>> => {
  const end = now().getTime() + mostMilliseconds;
  let cleared = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(alertKind, organizationId, { limit: pageSize, after });
    const open = page.items.filter((alert) => fits(alert, filter));
    await forEachParallel(open, clearsAtOnce, async ({ id }) => {
      await clearAlertById(store, organizationId, id, { now: now(), author });
    });
    cleared += open.length;
    after = page.after;
  } while (after !== undefined && cleared < mostPerRequest && now().getTime() < end);
  return { cleared, more: after !== undefined };
};
