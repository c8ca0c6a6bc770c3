/**
 * Every kind of item that an organization has in the records table (docs/access-patterns.md), its own item left out.
 * What erases an organization goes through all of them.
 */
export const organizationKinds = [
  'apiKey',
  'session',
  'signInState',
  'audit',
  'serverProfile',
  'user',
  'queue',
  'team',
  'mailbox',
  'record',
  'recordType',
  'email',
  'emailListing',
  'decision',
  'alert',
  'deadLetter',
  'cycleLog',
  'rejection',
  'keywordState',
  'operation',
  'operationItem',
  'externalId',
  'mailboxAddress',
  'mailboxLogin',
  'profileMailbox',
  'address',
  'message',
  'messageId',
  'token',
  'conversation',
  'subject',
  'maildrop',
  'counter',
  'outbox',
  'alertOpen',
  'oauthGrant',
  'oauthState',
  'idempotency',
  'idempotencyPart',
  'change',
  'feedPage',
  'feedHead',
  'consumer',
  'webhook',
  'webhookDelivery',
] as const;

/** Kinds that only the deployment itself has, and the item of an organization, which goes last of all. */
type FurtherKind = 'organization' | 'feed' | 'operatorKey' | 'bucketKey';

/**
 * Part of the partition key of each item in the records table. A kind that is not listed does not compile: what erases
 * an organization would leave it behind.
 */
export type RecordKind = (typeof organizationKinds)[number] | FurtherKind;
