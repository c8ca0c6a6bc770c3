import type { EntityStore } from '../platform/entity-store.ts';
import { listProfileMailboxes } from '../server-profile/profile-mailboxes.ts';
import type { BulkSelection } from './bulk-input.ts';
import { type Mailbox, mailboxKind, type WorkloadName, workloadNames } from './mailbox.ts';

/** The criteria that lists and bulk work have in common. */
export interface MailboxCriteria {
  readonly serverProfileId?: string | undefined;
  readonly workload?: WorkloadName | undefined;
  readonly state?: Mailbox['workloads']['incoming']['state'] | undefined;
  readonly kind?: Mailbox['kind'] | undefined;
}

/**
 * Whether a mailbox fits all the criteria. A workload alone means that it is synchronized here; a state alone that any
 * workload has it. Retired mailboxes fit none.
 */
export const fitsCriteria = (mailbox: Mailbox, criteria: MailboxCriteria): boolean => {
  const { serverProfileId, workload, state, kind } = criteria;
  if (mailbox.retired) return false;
  if (serverProfileId !== undefined && mailbox.serverProfileId !== serverProfileId) return false;
  if (kind !== undefined && mailbox.kind !== kind) return false;
  const names = workload === undefined ? workloadNames : [workload];
  if (state !== undefined) return names.some((name) => mailbox.workloads[name].state === state);
  return workload === undefined || mailbox.workloads[workload].method === 'serverSideSync';
};

async function* listAll(store: EntityStore, organizationId: string): AsyncGenerator<Mailbox> {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(mailboxKind, organizationId, { limit: 200, after, ascending: true });
    yield* page.items;
    after = page.after;
  } while (after !== undefined);
}

async function* listNamed(
  store: EntityStore,
  organizationId: string,
  ids: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Mailbox | string> {
  for await (const id of ids) yield (await store.get(mailboxKind, organizationId, id)) ?? id;
}

async function* idsOfProfile(store: EntityStore, organizationId: string, profileId: string): AsyncGenerator<string> {
  for await (const page of listProfileMailboxes(store.table, organizationId, profileId)) yield* page;
}

/** The mailboxes that bulk work is meant for, queues first. Ids that name none are kept, so that their item says so. */
export const selectMailboxes = async (
  store: EntityStore,
  organizationId: string,
  select: BulkSelection,
): Promise<readonly string[]> => {
  const { mailboxIds, ...criteria } = select;
  const candidates =
    mailboxIds !== undefined
      ? listNamed(store, organizationId, new Set(mailboxIds))
      : criteria.serverProfileId !== undefined
        ? listNamed(store, organizationId, idsOfProfile(store, organizationId, criteria.serverProfileId))
        : listAll(store, organizationId);
  const queues: string[] = [];
  const others: string[] = [];
  for await (const candidate of candidates)
    if (typeof candidate === 'string') others.push(candidate);
    else if (fitsCriteria(candidate, criteria)) (candidate.kind === 'queue' ? queues : others).push(candidate.id);
  return [...queues, ...others];
};
