import * as z from 'zod';
import { keepUnknownFields, rememberStored } from '../platform/keep-unknown-fields.ts';
import { partition, type RecordKey, type RecordWrite, recordKey, type StoredItem } from '../platform/records-table.ts';

/**
 * One accepted Send: stands in the outbox from acceptance until its outcome is final (its Sent copy included). The
 * outgoing lane is the only one that changes it; the API only puts it, or removes it while it is `waiting` (cancel).
 *
 * waiting → handing → (removed on sent, failed, unconfirmed) | waiting again with a later `notBefore`
 * sent with a copy to file → copying → removed
 */
export const outboxEntrySchema = z.object({
  emailId: z.string(),
  mailboxId: z.string(),
  state: z.enum(['waiting', 'handing', 'copying']),
  /** Epoch milliseconds before which it is not due: undo time, send later, retry. */
  notBefore: z.number(),
  /** Attempts that have begun. */
  attempts: z.int().nonnegative(),
  acceptedAt: z.number(),
  /** Recipients still to be tried, as addresses are compared; absent on the first attempt: all. */
  pendingRecipients: z.array(z.string()).optional(),
  /** The run that has it: only what this run says of it counts. */
  claim: z.string().optional(),
  handedAt: z.number().optional(),
  /** It waited when a backup was made that has been restored: it may have gone out since. */
  restored: z.literal(true).optional(),
  /** Attempts to file the Sent copy. */
  copyAttempts: z.int().nonnegative().optional(),
});
export type OutboxEntry = z.output<typeof outboxEntrySchema>;
export type Priority = 'low' | 'normal' | 'high';

/** An entry with the place where it stands. */
export interface QueuedSend {
  readonly key: RecordKey;
  readonly entry: OutboxEntry;
}

const kind = 'outbox';
const priorityRank: Readonly<Record<Priority, string>> = { high: '0', normal: '1', low: '2' };

/** Sorted by mailbox, then priority, then acceptance: the order of delivery. */
export const outboxKey = (
  organizationId: string,
  entry: { readonly mailboxId: string; readonly acceptedAt: number; readonly emailId: string },
  priority: Priority,
): RecordKey =>
  recordKey(
    organizationId,
    kind,
    `${entry.mailboxId}#${priorityRank[priority]}#${String(entry.acceptedAt).padStart(15, '0')}#${entry.emailId}`,
  );

/** The range of a mailbox's entries, in the order of delivery. */
export const outboxRange = (
  organizationId: string,
  mailboxId: string,
): { readonly pk: string; readonly prefix: string } => ({
  pk: partition(organizationId, kind),
  prefix: `${mailboxId}#`,
});

/** The stream repeats the wake for a new entry, so nothing but this write is needed for an accepted Send to leave. */
export const putOutboxEntry = (organizationId: string, entry: OutboxEntry, priority: Priority): RecordWrite => ({
  put: { ...outboxKey(organizationId, entry, priority), v: 1, kind, organizationId, published: 'yes', entity: entry },
  condition: { expression: 'attribute_not_exists(pk)' },
});

/** Cancels: only an entry that no run has, so that cancelling and sending cannot both succeed. */
export const removeWaitingEntry = (key: RecordKey): RecordWrite => ({
  remove: key,
  condition: {
    expression: 'entity.#state = :waiting',
    names: { '#state': 'state' },
    values: { ':waiting': 'waiting' },
  },
});

/** A run takes the entry: it stood there as it was read, so no other run and no cancellation came between. */
export const claimEntry = (queued: QueuedSend, claim: string): RecordWrite => ({
  update: queued.key,
  expression: 'SET entity.claim = :claim, entity.attempts = :attempts REMOVE published',
  names: { '#state': 'state' },
  values: {
    ':claim': claim,
    ':attempts': queued.entry.attempts + 1,
    ':before': queued.entry.attempts,
    ':waiting': 'waiting',
  },
  condition: 'entity.#state = :waiting AND entity.attempts = :before',
});

/** The last word before bytes go out. From here on nobody but the server may know whether it has the message. */
export const markHanding = (key: RecordKey, claim: string, now: Date): RecordWrite => ({
  update: key,
  expression: 'SET entity.#state = :handing, entity.handedAt = :now',
  names: { '#state': 'state' },
  values: { ':handing': 'handing', ':waiting': 'waiting', ':claim': claim, ':now': now.getTime() },
  condition: 'entity.#state = :waiting AND entity.claim = :claim',
});

/** The mail program of the mailbox takes the entry: from here on it alone knows whether the email went out. */
export const handToClient = ({ key, entry }: QueuedSend, claim: string, now: Date): RecordWrite => ({
  update: key,
  expression:
    'SET entity.claim = :claim, entity.attempts = :attempts, entity.#state = :handing, entity.handedAt = :now ' +
    'REMOVE published',
  names: { '#state': 'state' },
  values: {
    ':claim': claim,
    ':attempts': entry.attempts + 1,
    ':before': entry.attempts,
    ':handing': 'handing',
    ':waiting': 'waiting',
    ':now': now.getTime(),
  },
  condition: 'entity.#state = :waiting AND entity.attempts = :before',
});

/** Nobody knows whether it went out: the next run says so to a person, as of one that a dead run was handing over. */
export const doubtEntry = ({ key, entry }: QueuedSend, now: Date): RecordWrite => ({
  update: key,
  expression: 'SET entity.#state = :handing, entity.handedAt = :now, entity.restored = :true REMOVE published',
  names: { '#state': 'state' },
  values: {
    ':handing': 'handing',
    ':waiting': 'waiting',
    ':now': now.getTime(),
    ':true': true,
    ':attempts': entry.attempts,
  },
  condition: 'entity.#state = :waiting AND entity.attempts = :attempts',
});

/** What becomes of an entry that a run holds; undefined removes it. */
export const settleEntry = (
  organizationId: string,
  queued: QueuedSend,
  held: Pick<OutboxEntry, 'claim' | 'state'>,
  next: OutboxEntry | undefined,
): RecordWrite => {
  const claimed = held.claim === undefined ? 'attribute_not_exists(entity.claim)' : 'entity.claim = :claim';
  // An entry keeps its claim when the mail has gone out and only the copy is left: that is no Send any more.
  const phase = held.state === 'copying' ? 'entity.#state = :copying' : 'entity.#state <> :copying';
  const condition = {
    expression: `${claimed} AND ${phase}`,
    names: { '#state': 'state' },
    values: { ':copying': 'copying', ...(held.claim === undefined ? {} : { ':claim': held.claim }) },
  };
  return next === undefined
    ? { remove: queued.key, condition }
    : { put: { ...queued.key, v: 1, kind, organizationId, entity: keepUnknownFields(queued.entry, next) }, condition };
};

export const readQueuedSend = (item: StoredItem): QueuedSend => ({
  key: { pk: item.pk, sk: item.sk },
  entry: rememberStored(outboxEntrySchema.parse(item['entity']), item['entity']),
});
