import type { TrackedFolder } from './fetch-window.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';

const target = 'Undeliverable';

/**
 * Moves what was set aside out of the folder that it came into, once its bytes and its decision are stored. Where the
 * server refuses, it stays: nothing may wait for that. Repeated after a crash it finds the messages gone.
 */
export const moveUndeliverable = async (
  { session, mailbox }: Pick<TrackingRun, 'session' | 'mailbox'>,
  { path, direction }: TrackedFolder,
  uidValidity: string,
  results: ReadonlyMap<number, MessageResult>,
): Promise<void> => {
  const uids = [...results].flatMap(([uid, result]) => (result === 'setAside' ? [uid] : []));
  const isMeant = direction === 'incoming' && mailbox.workloads.incoming.mode === 'active';
  if (uids.length === 0 || !isMeant || path.endsWith(target)) return;
  await session.marks?.moveMessages(path, uidValidity, uids, target);
};
