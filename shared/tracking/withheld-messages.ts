import type { FolderCursor } from '../cycle/cycle.ts';
import { TransportError } from '../transport/transport-error.ts';

const runsBeforeSetAside = 3;

/** Whether so many runs ended at this message, or at one beside it, that it must not hold up the others any longer. */
export const mustSetAside = (noted: FolderCursor['withheld'], uid: number): boolean =>
  noted !== undefined && uid <= noted.upToUid && noted.runs >= runsBeforeSetAside - 1;

/** One run more ended at a message that the server withholds. Those that have come since then are given as many. */
export const noteWithheld = (
  noted: FolderCursor['withheld'],
  uid: number,
  lastListedUid: number,
  now: Date,
): NonNullable<FolderCursor['withheld']> =>
  noted !== undefined && uid <= noted.upToUid
    ? { ...noted, runs: noted.runs + 1 }
    : { upToUid: lastListedUid, runs: 1, since: now.toISOString() };

/** The same in every run, and another one for each message, though nothing but its UID is known. */
export const assumedReceipt = ({ since, upToUid }: NonNullable<FolderCursor['withheld']>, uid: number): Date =>
  new Date(Date.parse(since) - (upToUid - uid));

export const withheldReason = `in ${runsBeforeSetAside} runs the server listed this message and did not send it`;

/** The server lists a message and does not send it. */
export class WithheldError extends TransportError {
  constructor(folder: string, uid: number) {
    const detail = `The server lists message ${uid} of ${folder} and does not send it`;
    super('serverError', { class: 'transient', level: 'mailbox', detail });
  }
}
