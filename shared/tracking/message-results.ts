import type { CycleCounts } from '../cycle/cycle.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { MessageResult } from './tracking-run.ts';

/** As what a message counts in a cycle. */
export const countOf: Readonly<Record<MessageResult, keyof CycleCounts | undefined>> = {
  tracked: 'tracked',
  skipped: 'skipped',
  duplicate: 'skipped',
  withdrawn: 'skipped',
  setAside: 'failed',
  gone: undefined,
  known: undefined,
};

/** What the hub has an email of, and is to have. */
export const trackedOf = (results: ReadonlyMap<number, MessageResult>): readonly number[] =>
  [...results].flatMap(([uid, result]) => (result === 'tracked' || result === 'duplicate' ? [uid] : []));

export const bytesOfTracked = (
  messages: readonly MailboxMessage[],
  results: ReadonlyMap<number, MessageResult>,
): number => messages.reduce((sum, { uid, sizeBytes }) => (results.get(uid) === 'tracked' ? sum + sizeBytes : sum), 0);
