import type { EntityStore } from '../platform/entity-store.ts';
import { identifierAt } from '../platform/identifier.ts';
import { partition } from '../platform/records-table.ts';
import { type Decision, decisionKind } from './decision.ts';

const decisionsPerRead = 100;

/**
 * A decision about a message that a mailbox received at a time: identifiers of decisions begin with it. One message to
 * everybody is decided about in thousands of mailboxes at one instant, so only the mailbox's own are read.
 *
 * @param received epoch milliseconds, both included
 */
export const findDecision = async (
  store: EntityStore,
  organizationId: string,
  mailboxId: string,
  received: { readonly from: number; readonly to: number },
  matches: (decision: Decision) => boolean,
): Promise<Decision | undefined> => {
  const key = `${partition(organizationId, decisionKind.kind)}#${mailboxId}`;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(decisionKind, organizationId, {
      from: identifierAt(decisionKind.prefix, received.from),
      to: identifierAt(decisionKind.prefix, received.to + 1),
      limit: decisionsPerRead,
      index: { name: 'byMailbox', key },
      after,
    });
    const found = page.items.find((decision) => decision.mailboxId === mailboxId && matches(decision));
    if (found !== undefined) return found;
    ({ after } = page);
  } while (after !== undefined);
  return undefined;
};
