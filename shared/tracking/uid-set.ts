import { toSequenceSet } from '../transport/imap/sequence-set.ts';

/** UIDs as one short text, as IMAP writes sets of them (RFC 9051 section 9, sequence-set): `1:3,7`. */
export const writeUidSet = (uids: readonly number[]): string =>
  toSequenceSet([...uids].sort((one, other) => one - other));

export const readUidSet = (text: string): readonly number[] =>
  text === ''
    ? []
    : text.split(',').flatMap((range) => {
        const [first = 0, last = first] = range.split(':').map(Number);
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
      });
