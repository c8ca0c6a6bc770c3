import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { type RecordWrite, recordKey, WriteConditionError } from '../platform/records-table.ts';
import { emailKind } from './email.ts';
import { type QueuedSend, settleEntry } from './outbox.ts';

/** The state of the copy is a figure of the delivery: it changes neither version nor status, and tells no event. */
const noteCopy = (organizationId: string, emailId: string, state: 'none' | 'stored' | 'failed'): RecordWrite => ({
  update: recordKey(organizationId, emailKind.kind, emailId),
  expression: 'SET entity.delivery.sentCopy = :state REMOVE published, emits',
  values: { ':state': state, ':pending': 'pending' },
  condition: 'entity.delivery.sentCopy = :pending',
});

/** Writes what concerns a copy, unless the email was deleted or another run was here first. */
export const writeOfCopy = async (store: EntityStore, single: RecordWrite): Promise<void> => {
  try {
    await store.table.write([single]);
  } catch (error) {
    // The next look at the outbox shows which.
    if (!(error instanceof WriteConditionError)) throw error;
  }
};

/**
 * Ends the step of the copy, in two writes: a transaction would cost twice. Should the run die between them, the next one
 * finds an email whose copy is no longer pending and takes the entry away.
 */
export const concludeCopy = async (
  store: EntityStore,
  organization: Pick<Organization, 'id'>,
  queued: QueuedSend,
  state: 'none' | 'stored' | 'failed',
): Promise<void> => {
  await writeOfCopy(store, noteCopy(organization.id, queued.entry.emailId, state));
  await writeOfCopy(store, settleEntry(organization.id, queued, queued.entry, undefined));
};
