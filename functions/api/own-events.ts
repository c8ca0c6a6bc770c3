import { alertSchema } from '../../shared/alert/alert.ts';
import { isShownToUser } from '../../shared/alert/alerts-for-user.ts';
import { requireConsumer } from '../../shared/consumer/manage-consumers.ts';
import type { FeedEvent } from '../../shared/feed/feed-event.ts';
import { concernsUser } from '../../shared/feed/user-events.ts';
import { ownershipOf, requireOwn } from './ownership.ts';
import type { OrganizationContext } from './route.ts';

type AnyContext = OrganizationContext<unknown, unknown, unknown>;

const alertShapeSchema = alertSchema.pick({ level: true, mailboxId: true });

/** What this caller may see of the feed: a user the own events, of alerts those that users are shown. */
export const visibleTo = (
  { caller, organization }: AnyContext,
  matches: ((event: FeedEvent) => boolean) | undefined,
): ((event: FeedEvent) => boolean) | undefined => {
  const ownership = ownershipOf(caller);
  if (ownership === undefined) return matches;
  return (event) => {
    if (!concernsUser(event, ownership)) return false;
    const alert = event.subject.type === 'alert' ? alertShapeSchema.safeParse(event.data) : undefined;
    const shown =
      alert === undefined || (alert.success && isShownToUser(alert.data, organization.settings, ownership.mailboxId));
    return shown && (matches?.(event) ?? true);
  };
};

/** Users read as consumers that are theirs. @throws FaultError notFound */
export const requireOwnConsumer = async (context: AnyContext, name: string | undefined): Promise<void> => {
  const { services, organization, caller } = context;
  if (name === undefined || ownershipOf(caller) === undefined) return;
  const consumer = await requireConsumer({ store: services.store, organizationId: organization.id }, name);
  requireOwn(caller, ({ userId }) => consumer.userId === userId);
};
