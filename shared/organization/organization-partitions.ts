/**
 * Every kind of item that an organization has in the records table (docs/access-patterns.md), its own item left out.
 * What erases an organization goes through all of them.
 */
export const organizationPartitions = [
  'apiKey',
  'serverProfile',
  'user',
  'queue',
  'team',
  'mailbox',
  'record',
  'recordType',
  'email',
  'decision',
  'alert',
  'deadLetter',
  'operation',
  'operationItem',
  'externalId',
  'mailboxAddress',
  'address',
  'message',
  'messageId',
  'token',
  'counter',
  'outbox',
  'alertOpen',
  'idempotency',
  'idempotencyPart',
  'change',
  'feedPage',
  'feedHead',
] as const;
