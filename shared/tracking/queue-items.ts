import type { Author } from '../platform/change.ts';
import { createChange, deletedChangeWrite } from '../platform/create-change.ts';
import type { RecordWrite } from '../platform/records-table.ts';

/**
 * Tells the feed that queues got an email as an item. The item is nothing that the hub keeps besides the email's
 * `queueIds`, so its event stands alone.
 */
export const queueItemWrites = (
  organizationId: string,
  emailId: string,
  queueIds: readonly string[],
  author: Author,
  now: Date,
): RecordWrite[] =>
  queueIds.map((queueId) =>
    deletedChangeWrite(
      organizationId,
      createChange('queueItem.created', author, now),
      { type: 'queueItem', id: `${queueId}:${emailId}` },
      1,
      { queueId, emailId },
    ),
  );
