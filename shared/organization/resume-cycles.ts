import type { CycleControl } from '../cycle/cycle-control.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import type { EntityStore } from '../platform/entity-store.ts';

const pageSize = 100;
const atOnce = 20;
const spentMilliseconds = 12_000;

/**
 * Lets the mailboxes of an organization go on after all of them stood still. Works through as many as a request has
 * time for; cycles that are left out are due since long, so the watchdog starts them.
 */
export const resumeCycles = async (
  { store, cycles, now }: { readonly store: EntityStore; readonly cycles: CycleControl; readonly now: () => Date },
  organizationId: string,
): Promise<void> => {
  const end = now().getTime() + spentMilliseconds;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(mailboxKind, organizationId, { limit: pageSize, after });
    for (let start = 0; start < page.items.length && now().getTime() < end; start += atOnce) {
      const mailboxes = page.items.slice(start, start + atOnce);
      await Promise.all(mailboxes.map((mailbox) => cycles.resume(organizationId, mailbox.id)));
    }
    after = page.after;
  } while (after !== undefined && now().getTime() < end);
};
