import { normalizeAddress } from '../platform/address.ts';
import { fingerprint, identifierAt } from '../platform/identifier.ts';
import { type RecordKey, recordKey } from '../platform/records-table.ts';
import { conversationRoot } from './conversation-index.ts';

/** A Message-ID as headers write it: callers may leave the angle brackets out. */
export const withBrackets = (messageId: string): string =>
  messageId.startsWith('<') && messageId.endsWith('>') ? messageId : `<${messageId}>`;

/**
 * What makes a message the same wherever it is seen: Message-ID with From and Date, so that a copied Message-ID cannot
 * suppress another's mail. The Date header counts in whole seconds, as it is written.
 */
export const messageIdentity = (messageId: string, fromAddress: string, date: Date | null): string =>
  fingerprint(messageId, normalizeAddress(fromAddress), date === null ? '' : String(Math.floor(date.getTime() / 1000)));

/** One email per message, direction and organization. */
export const messageKey = (organizationId: string, direction: 'incoming' | 'outgoing', identity: string): RecordKey =>
  recordKey(organizationId, 'message', `${direction}#${identity}`);

/** Sort keys of all emails with a Message-ID begin with this. */
export const messageIdPrefix = (messageId: string): string => `${fingerprint(messageId)}#`;

/** Finds an email by its Message-ID, for correlation by In-Reply-To. */
export const messageIdKey = (organizationId: string, messageId: string, emailId: string): RecordKey =>
  recordKey(organizationId, 'messageId', `${messageIdPrefix(messageId)}${emailId}`);

/** Finds an email by its token; identifiers sort by time, so the newest is the last. */
export const tokenKey = (organizationId: string, token: string, emailId: string): RecordKey =>
  recordKey(organizationId, 'token', `${token}#${emailId}`);

/** Sort keys of all emails of a conversation begin with this. */
export const conversationPrefix = (conversationIndex: string): string => `${conversationRoot(conversationIndex)}#`;

/** Finds an email by the conversation of its Thread-Index header. */
export const conversationKey = (organizationId: string, conversationIndex: string, emailId: string): RecordKey =>
  recordKey(organizationId, 'conversation', `${conversationPrefix(conversationIndex)}${emailId}`);

// Clocks differ, and some are wrong by the hours of a time zone.
const clockMarginMilliseconds = 86_400_000;

/** What is greater than the identifier of every email that may be answered by a message of this time. */
export const answeredUntil = (receivedAt: Date): string =>
  `${identifierAt('eml', receivedAt.getTime() + clockMarginMilliseconds)}~`;
