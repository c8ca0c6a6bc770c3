/** A place in the feed: everything up to and including `sequence` has been read. */
export interface FeedCursor {
  readonly epoch: string;
  readonly sequence: number;
}

const form = /^([0-9a-z]{1,20})\.(0|[1-9][0-9]{0,14})$/;

export const encodeFeedCursor = (cursor: FeedCursor): string => `${cursor.epoch}.${cursor.sequence}`;

/** Undefined when the text is no cursor of the feed. */
export const decodeFeedCursor = (text: string): FeedCursor | undefined => {
  const [, epoch, sequence] = form.exec(text) ?? [];
  return epoch === undefined || sequence === undefined ? undefined : { epoch, sequence: Number(sequence) };
};
