import {
  partition,
  type RecordKey,
  type RecordsTable,
  type RecordWrite,
  recordKey,
} from '../platform/records-table.ts';

const kind = 'profileMailbox';

const keyOf = (organizationId: string, serverProfileId: string, mailboxId: string): RecordKey =>
  recordKey(organizationId, kind, `${serverProfileId}#${mailboxId}`);

/**
 * The writes that keep the list of a profile's mailboxes when a mailbox moves from one to another (null: none). They
 * fail when the profile is gone or being deleted.
 */
export const profileMailboxWrites = (
  organizationId: string,
  mailboxId: string,
  previous: string | null,
  next: string | null,
  now: Date,
): RecordWrite[] => {
  if (previous === next) return [];
  return [
    ...(previous === null ? [] : [{ remove: keyOf(organizationId, previous, mailboxId) }]),
    ...(next === null
      ? []
      : [
          { put: { ...keyOf(organizationId, next, mailboxId), v: 1, kind, organizationId, mailboxId } },
          {
            check: recordKey(organizationId, 'serverProfile', next),
            condition: {
              expression: 'attribute_exists(pk) AND (attribute_not_exists(deletingUntil) OR deletingUntil < :now)',
              values: { ':now': now.getTime() },
            },
          },
        ]),
  ];
};

/** The mailboxes of a profile, page by page. */
export async function* listProfileMailboxes(
  table: RecordsTable,
  organizationId: string,
  serverProfileId: string,
  pageSize = 1000,
): AsyncGenerator<readonly string[]> {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      pk: partition(organizationId, kind),
      prefix: `${serverProfileId}#`,
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    yield page.items.map((item) => String(item['mailboxId']));
    after = page.after;
  } while (after !== undefined);
}
