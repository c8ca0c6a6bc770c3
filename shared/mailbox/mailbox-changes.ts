import { isDeepStrictEqual } from 'node:util';
import type { Author, Change } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { type Mailbox, workloadNames } from './mailbox.ts';

const stateOf = (mailbox: Mailbox): unknown => [
  mailbox.approval.status,
  ...workloadNames.map((name) => [mailbox.workloads[name].state, mailbox.workloads[name].disabledBy]),
];

const settingsOf = (mailbox: Mailbox): Readonly<Record<string, unknown>> => ({
  ownerId: mailbox.ownerId,
  emailAddress: mailbox.emailAddress,
  serverProfileId: mailbox.serverProfileId,
  processEmailFrom: mailbox.processEmailFrom,
  deleteAfterProcessing: mailbox.deleteAfterProcessing,
  credentials: mailbox.credentials,
  oauth: mailbox.oauth,
  synchronizingClient: mailbox.synchronizingClient,
  retired: mailbox.retired,
  ...Object.fromEntries(
    workloadNames.flatMap((name) => [
      [`workloads.${name}.method`, mailbox.workloads[name].method],
      [`workloads.${name}.mode`, mailbox.workloads[name].mode],
    ]),
  ),
});

/** What the feed is told when `next` takes the place of `previous` (undefined: a new mailbox). */
export const mailboxChanges = (previous: Mailbox | undefined, next: Mailbox, author: Author, now: Date): Change[] => {
  if (previous === undefined) return [createChange('mailbox.updated', author, now)];
  const before = settingsOf(previous);
  const fields = Object.entries(settingsOf(next))
    .filter(([field, value]) => !isDeepStrictEqual(before[field], value))
    .map(([field]) => field);
  return [
    ...(fields.length === 0 ? [] : [createChange('mailbox.updated', author, now, fields)]),
    ...(isDeepStrictEqual(stateOf(previous), stateOf(next)) ? [] : [createChange('mailbox.stateChanged', author, now)]),
  ];
};
