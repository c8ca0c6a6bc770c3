import { type FeedEvent, matchesTypes } from '../feed/feed-event.ts';
import { concernsUser } from '../feed/user-events.ts';
import { userKind } from '../owner/owner.ts';
import { noteSeen } from './commit-cursor.ts';
import { feedStart } from './consumer.ts';
import { type ConsumerContext, requireConsumer } from './manage-consumers.ts';

type Matches = (event: FeedEvent) => boolean;

/** How a request reads the feed: from where, and what of it. */
export interface Reading {
  readonly cursor: string;
  readonly types: readonly string[] | undefined;
  /** What the consumer's user may be shown; undefined: everything. */
  readonly ofUser: Matches | undefined;
  /** Both. */
  readonly matches: Matches | undefined;
}

const everything: Reading = { cursor: feedStart, types: undefined, ofUser: undefined, matches: undefined };

/**
 * The consumer in whose name a request reads. Types that the request asks for narrow those of the consumer in the feed,
 * and take their place in the snapshot.
 *
 * @throws FaultError notFound
 */
export const openConsumer = async (
  context: ConsumerContext,
  name: string | undefined,
  types: readonly string[] | undefined,
): Promise<Reading> => {
  if (name === undefined) return { ...everything, types };
  const consumer = await requireConsumer(context, name);
  await noteSeen(context, consumer);
  const { userId } = consumer;
  const user = userId === null ? undefined : await context.store.get(userKind, context.organizationId, userId);
  const own = consumer.types ?? undefined;
  const ofUser: Matches | undefined =
    userId === null ? undefined : (event) => concernsUser(event, { userId, mailboxId: user?.mailboxId ?? null });
  return {
    cursor: consumer.committedCursor,
    types: types ?? own,
    ofUser,
    matches: (event) => matchesTypes(event.type, own) && (ofUser?.(event) ?? true),
  };
};
