import { type RecordsTable, type RecordWrite, recordKey, WriteConditionError } from '../platform/records-table.ts';
import { deadLetterKind } from './dead-letter.ts';

/** A message that ends the process does so again: a replay of one that two replays died on is given up. */
const deathsBeforeGivingUp = 2;

export const endsProcesses = ({ unended = 0 }: { readonly unended?: number | undefined }): boolean =>
  unended >= deathsBeforeGivingUp;

/** A figure of the hub's own: it changes neither version nor status, and tells no event. */
const note = async (table: RecordsTable, write: RecordWrite): Promise<void> => {
  try {
    await table.write([write]);
  } catch (error) {
    // The letter is gone: whoever reads it next sees that.
    if (!(error instanceof WriteConditionError)) throw error;
  }
};

/** Notes that a replay begins. Deliveries do not tell how many died: a message also comes again where it had to wait. */
export const noteReplayBegun = (table: RecordsTable, organizationId: string, id: string): Promise<void> =>
  note(table, {
    update: recordKey(organizationId, deadLetterKind.kind, id),
    expression: 'SET entity.unended = if_not_exists(entity.unended, :none) + :one REMOVE published, emits',
    values: { ':none': 0, ':one': 1 },
    condition: 'attribute_exists(pk)',
  });

/** The process lives: whatever came of the replay, it died of nothing. */
export const noteReplayEnded = (table: RecordsTable, organizationId: string, id: string): Promise<void> =>
  note(table, {
    update: recordKey(organizationId, deadLetterKind.kind, id),
    expression: 'REMOVE entity.unended, published, emits',
    condition: 'attribute_exists(pk)',
  });
