import type { FolderMarks } from '../folder-marks.ts';
import { TransportError } from '../transport-error.ts';
import type { ImapConnection } from './imap-connection.ts';
import { toSequenceSet } from './sequence-set.ts';

/** RFC 9051 section 7.1: any keyword may be made, or this one exists. */
const keeps = (permanent: ReadonlySet<string> | undefined, keyword: string): boolean =>
  permanent === undefined ||
  permanent.has('\\*') ||
  [...permanent].some((flag) => flag.toLowerCase() === keyword.toLowerCase());

const refused = (what: string): TransportError =>
  new TransportError('serverError', {
    class: 'transient',
    level: 'mailbox',
    detail: `The server refused ${what}`,
  });

/** @param turn makes calls wait for each other; each leaves another folder open, or the same one otherwise */
export const createFolderMarks = (
  connection: ImapConnection,
  turn: <Result>(work: () => Promise<Result>) => Promise<Result>,
): FolderMarks => {
  const { client } = connection;
  const within = <Answer>(answer: Promise<Answer>): Promise<Answer> => connection.within('established', answer);
  const open = (folder: string, readOnly: boolean) => within(client.mailboxOpen(folder, { readOnly }));
  const move = async (range: string, target: string): Promise<boolean> => {
    const { capabilities } = client;
    if (capabilities.has('MOVE') || capabilities.has('UIDPLUS'))
      return (await within(client.messageMove(range, target, { uid: true }))) !== false;
    // Without UIDPLUS the library would remove whatever others have marked as deleted, too.
    if (!(await within(client.messageCopy(range, target, { uid: true })))) return false;
    return within(client.messageFlagsAdd(range, ['\\Deleted'], { uid: true }));
  };
  /** False when the server refuses; a connection that broke is another matter. */
  const create = async (target: string): Promise<boolean> => {
    try {
      await within(client.mailboxCreate(target));
      return true;
    } catch (error) {
      if (!client.usable) throw error;
      return false;
    }
  };
  return {
    listKeyword: (folder, keyword) =>
      turn(async () => {
        await open(folder, true);
        const found = await within(client.search({ keyword }, { uid: true }));
        if (!Array.isArray(found)) throw refused(`the search in ${folder}`);
        return found.sort((one, other) => one - other);
      }),
    changeKeywords: (folder, uidValidity, uids, { add = [], remove = [] }) =>
      turn(async () => {
        if (uids.length === 0) return true;
        const opened = await open(folder, false);
        if (String(opened.uidValidity) !== uidValidity) return false;
        const range = toSequenceSet(uids);
        const kept = add.filter((keyword) => keeps(opened.permanentFlags, keyword));
        if (kept.length > 0 && !(await within(client.messageFlagsAdd(range, kept, { uid: true }))))
          throw refused(`to put keywords on messages in ${folder}`);
        if (remove.length > 0 && !(await within(client.messageFlagsRemove(range, [...remove], { uid: true }))))
          throw refused(`to take keywords off messages in ${folder}`);
        return kept.length === add.length;
      }),
    moveMessages: (folder, uidValidity, uids, target) =>
      turn(async () => {
        if (uids.length === 0) return true;
        const opened = await open(folder, false);
        if (String(opened.uidValidity) !== uidValidity) return false;
        if (await move(toSequenceSet(uids), target)) return true;
        return (await create(target)) && (await move(toSequenceSet(uids), target));
      }),
    identityOf: (folder) =>
      turn(async () => {
        if (!client.capabilities.has('OBJECTID')) return undefined;
        return (await open(folder, true)).mailboxId;
      }),
  };
};
