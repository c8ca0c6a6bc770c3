import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { partition } from '../platform/records-table.ts';
import { conversationTopic } from './conversation-topic.ts';
import { type Email, emailKind } from './email.ts';
import { tokenPrefixes, withoutTokens } from './tracking-token.ts';

/** The email that a draft answers, as it is by now: it may have been a draft itself. */
export const findAnswered = async (
  store: EntityStore,
  organizationId: string,
  draft: Email,
): Promise<Email | undefined> =>
  draft.inReplyTo === null ? undefined : store.get(emailKind, organizationId, draft.inReplyTo);

/** Two programs that answer each other would never end (RFC 3834 section 2). @throws FaultError automaticReplyLoop */
export const requireEnd = (draft: Email, answered: Email | undefined): void => {
  const [, submitted = 'no'] =
    Object.entries(draft.headers).find(([name]) => name.toLowerCase() === 'auto-submitted') ?? [];
  if (answered?.automation !== undefined && !/^\s*no\b/i.test(submitted)) throw new FaultError('automaticReplyLoop');
};

/**
 * The token of the email that is answered, if the subject still is that of its conversation: Gmail takes a message with
 * another subject, and be it by a token, for the beginning of another conversation.
 */
export const keptToken = async (
  store: EntityStore,
  organization: Organization,
  draft: Email,
  answered: Email | undefined,
): Promise<string | undefined> => {
  if (answered?.token == null) return undefined;
  const prefixes = tokenPrefixes(organization);
  const topicOf = (subject: string): string => conversationTopic(withoutTokens(subject, prefixes));
  if (topicOf(draft.subject) !== topicOf(answered.subject)) return undefined;
  // Anybody can write something that looks like a token.
  const { items } = await store.table.query({
    pk: partition(organization.id, 'token'),
    prefix: `${answered.token}#`,
    limit: 1,
  });
  return items.length > 0 ? answered.token : undefined;
};
