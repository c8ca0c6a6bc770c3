import * as z from 'zod';
import { eventTypeFilterSchema } from '../feed/feed-event.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

export const consumerNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, '1 to 100 letters, digits, dots, dashes and underscores');

/** The beginning of what the feed keeps, in place of a cursor. */
export const feedStart = '0';

/** Somebody who reads the feed now and then and lets the hub keep the place. Its name is its identifier. */
export const consumerSchema = z.object({
  ...entityShape,
  /** Types of events that it is shown; null: all. */
  types: z.array(eventTypeFilterSchema).nullable(),
  /** The user whose events alone it is shown. */
  userId: z.string().nullable(),
  /** Up to where it has said that it is done; a figure that moves without the version. */
  committedCursor: z.string(),
  /** Exact to a minute, without the version. */
  lastSeenAt: z.string().nullable(),
});
export type Consumer = z.output<typeof consumerSchema>;

export const consumerKind: EntityKind<Consumer> = {
  kind: 'consumer',
  // Never used: consumers go by their name.
  prefix: 'evt',
  parse: (stored) => consumerSchema.parse(stored),
  figure: ({ committedCursor }) => ({ attribute: 'entity.committedCursor', value: committedCursor }),
};
