import { isDeepStrictEqual } from 'node:util';
import { auditWrite } from '../audit/audit-write.ts';
import { grantKey } from '../oauth/oauth-grant.ts';
import type { Author, Change } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { profileMailboxWrites } from '../server-profile/profile-mailboxes.ts';
import { type Mailbox, mailboxKind, workloadNames } from './mailbox.ts';
import { mailboxChanges } from './mailbox-changes.ts';

/** The mailbox as it stands once its writes are done, and the writes; none when nothing changes. */
export interface MailboxOutcome {
  readonly mailbox: Mailbox;
  readonly writes: readonly RecordWrite[];
}

/** The tokens of a connection end with it. */
const forgottenGrants = (organizationId: string, previous: Mailbox | undefined, next: Mailbox): RecordWrite[] => {
  const connectionId = previous?.oauth?.connectionId;
  return connectionId === undefined || connectionId === next.oauth?.connectionId
    ? []
    : [{ remove: grantKey(organizationId, next.id, connectionId) }];
};

const isDisabled = (mailbox: Mailbox): readonly boolean[] =>
  workloadNames.map((name) => mailbox.workloads[name].state === 'disabled');

/** The mailbox without what cycles and tests do to its workloads all day. */
const withoutRuntime = ({ workloads: _, version: __, updatedAt: ___, ...lasting }: Mailbox) => lasting;

/**
 * Whatever people do is noted, and what the hub does by itself where it disables or brings back a workload, or changes
 * more than workloads. The mailbox of a new user or queue comes with its owner, which is the CRM's to note.
 */
const isNoted = (previous: Mailbox | undefined, next: Mailbox, author: Author): boolean => {
  if (previous === undefined) return next.kind === 'forward';
  if (author.origin === 'crm') return true;
  return (
    !isDeepStrictEqual(isDisabled(previous), isDisabled(next)) ||
    !isDeepStrictEqual(withoutRuntime(previous), withoutRuntime(next))
  );
};

/**
 * What puts `next` in the place of `previous` (undefined: a new mailbox), with its version, its events and its place in
 * the list of its profile. The claim to its address is separate: see claim-address.ts.
 */
export const mailboxWrites = (
  store: EntityStore,
  organizationId: string,
  previous: Mailbox | undefined,
  next: Mailbox,
  options: { readonly author: Author; readonly now: Date; readonly changes?: readonly Change[] },
): MailboxOutcome => {
  if (previous !== undefined && isDeepStrictEqual(previous, next)) return { mailbox: previous, writes: [] };
  const mailbox =
    previous === undefined ? next : { ...next, version: previous.version + 1, updatedAt: options.now.toISOString() };
  return {
    mailbox,
    writes: [
      ...store.writesOf(mailboxKind, organizationId, previous, mailbox, {
        changes: [...mailboxChanges(previous, mailbox, options.author, options.now), ...(options.changes ?? [])],
      }),
      ...(isNoted(previous, mailbox, options.author)
        ? [
            auditWrite(organizationId, {
              author: options.author,
              now: options.now,
              action: previous === undefined ? 'mailbox.created' : 'mailbox.changed',
              subject: { type: mailboxKind.kind, id: mailbox.id },
              before: previous ?? null,
              after: mailbox,
            }),
          ]
        : []),
      ...forgottenGrants(organizationId, previous, mailbox),
      ...profileMailboxWrites(
        organizationId,
        mailbox.id,
        previous?.serverProfileId ?? null,
        mailbox.serverProfileId,
        options.now,
      ),
    ],
  };
};
