import { isDeepStrictEqual } from 'node:util';
import { emailKind } from '../email/email.ts';
import { decisionFields, readMessageHeaders } from '../email/mime/message-headers.ts';
import { createChange } from '../platform/create-change.ts';
import { recordKey } from '../platform/records-table.ts';
import type { Reference } from '../platform/values.ts';
import type { TrackedFolder } from '../tracking/fetch-window.ts';
import { identityOf } from '../tracking/mailbox-message.ts';
import type { TrackingRun } from '../tracking/tracking-run.ts';

/** The newest; what a folder holds beyond them is as it was set first. */
const mostMessages = 500;
const messagesPerRead = 100;

const differs = (one: Reference | null, other: Reference): boolean =>
  one === null || !isDeepStrictEqual([one.type, one.id], [other.type, other.id]);

const reassertSome = async (
  run: TrackingRun,
  { path, direction }: TrackedFolder,
  uids: readonly number[],
  regarding: Reference,
) => {
  const { session, store, organization, author, now, lookups } = run;
  const identities = new Set<string>();
  await session.fetchHeads(path, uids, decisionFields, ({ header }) => {
    const identity = identityOf(readMessageHeaders(header));
    if (identity !== undefined) identities.add(identity);
  });
  if (identities.size === 0) return;
  const emailIds = [...new Set((await lookups.trackedEmails(direction, [...identities])).values())];
  const items = await store.table.getMany(emailIds.map((id) => recordKey(organization.id, emailKind.kind, id)));
  for (const item of items) {
    const seen = emailKind.parse(item['entity']);
    if (seen.untrackedAt !== undefined || !differs(seen.regarding, regarding)) continue;
    await store.update(
      emailKind,
      organization.id,
      seen.id,
      (email) =>
        differs(email.regarding, regarding)
          ? { next: { ...email, regarding }, changes: [createChange('email.updated', author, now(), ['regarding'])] }
          : undefined,
      { now },
    );
  }
};

/** Sets what the mail in a folder regards again, over what people changed meanwhile. */
export const reassertRegarding = async (
  run: TrackingRun,
  folder: TrackedFolder,
  regarding: Reference,
): Promise<void> => {
  const uids = (await run.session.listUids(folder.path, 0)).slice(-mostMessages);
  for (let start = 0; start < uids.length; start += messagesPerRead)
    await reassertSome(run, folder, uids.slice(start, start + messagesPerRead), regarding);
};
