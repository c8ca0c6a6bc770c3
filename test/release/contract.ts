import * as z from 'zod';
import { alertSchema } from '../../shared/alert/alert.ts';
import { auditEntrySchema } from '../../shared/audit/audit-entry.ts';
import { consumerSchema } from '../../shared/consumer/consumer.ts';
import { cycleSchema } from '../../shared/cycle/cycle.ts';
import { cycleMessageSchema, operationMessageSchema, webhookMessageSchema } from '../../shared/cycle/lane-message.ts';
import { deadLetterSchema } from '../../shared/dead-letter/dead-letter.ts';
import { emailSchema } from '../../shared/email/email.ts';
import { outboxEntrySchema } from '../../shared/email/outbox.ts';
import { sendQuotaSchema } from '../../shared/email/send-quota.ts';
import { storedEpochSchema } from '../../shared/feed/feed-epoch.ts';
import { storedHeadSchema, storedPageSchema } from '../../shared/feed/feed-page.ts';
import { cycleLogEntrySchema } from '../../shared/mailbox/cycle-log.ts';
import { mailboxSchema } from '../../shared/mailbox/mailbox.ts';
import { maildropHeadSchema, maildropPageSchema } from '../../shared/maildrop/maildrop-index.ts';
import { grantSchema } from '../../shared/oauth/oauth-grant.ts';
import { pendingConnectionSchema } from '../../shared/oauth/pending-connection.ts';
import { operationSchema } from '../../shared/operation/operation.ts';
import { operationItemSchema } from '../../shared/operation/operation-item.ts';
import { watchedOperationSchema } from '../../shared/operation/operation-watch.ts';
import { apiKeySchema } from '../../shared/organization/api-key.ts';
import { organizationSchema } from '../../shared/organization/organization.ts';
import { organizationListingSchema } from '../../shared/organization/organization-listing.ts';
import { queueSchema, teamSchema, userSchema } from '../../shared/owner/owner.ts';
import { retirementSchema } from '../../shared/owner/retirement-watch.ts';
import { changeSchema, laneMessageSchema } from '../../shared/platform/change.ts';
import { addressEntrySchema } from '../../shared/record/address-entry.ts';
import { crmRecordSchema } from '../../shared/record/record.ts';
import { recordTypeSchema } from '../../shared/record/record-type.ts';
import { rejectionSchema } from '../../shared/rejection/rejection.ts';
import { serverProfileSchema } from '../../shared/server-profile/server-profile.ts';
import { pendingSignInSchema } from '../../shared/session/pending-sign-in.ts';
import { sessionSchema } from '../../shared/session/session.ts';
import { throttleItemSchema } from '../../shared/throttle/throttle-item.ts';
import { decisionSchema } from '../../shared/tracking/decision.ts';
import { keywordStateSchema } from '../../shared/tracking/keyword-state.ts';
import { webhookSchema } from '../../shared/webhook/webhook.ts';
import { webhookDeliverySchema } from '../../shared/webhook/webhook-delivery.ts';
import { webhookStateSchema } from '../../shared/webhook/webhook-state.ts';
import type { JsonSchema } from './compare-schemas.ts';

/** The forms in which two releases that run side by side speak with each other, by where they stand. */
const forms: Readonly<Record<string, z.ZodType>> = {
  'message of incoming and outgoing': cycleMessageSchema,
  'message of operations': operationMessageSchema,
  'message of webhooks': webhookMessageSchema,
  'emits of an item': changeSchema,
  'laneMessages of an item': laneMessageSchema,
  'cycles: cycle': cycleSchema,
  'cycles: throttle': throttleItemSchema,
  'cycles: sends': sendQuotaSchema,
  'cycles: webhook': webhookStateSchema,
  'cycles: operation': watchedOperationSchema,
  'cycles: retirement': retirementSchema,
  'records: organization': organizationSchema,
  'records: organization listing': organizationListingSchema,
  'records: apiKey': apiKeySchema,
  'records: session': sessionSchema,
  'records: signInState': pendingSignInSchema,
  'records: audit': auditEntrySchema,
  'records: serverProfile': serverProfileSchema,
  'records: user': userSchema,
  'records: queue': queueSchema,
  'records: team': teamSchema,
  'records: mailbox': mailboxSchema,
  'records: record': crmRecordSchema,
  'records: recordType': recordTypeSchema,
  'records: email': emailSchema,
  'records: decision': decisionSchema,
  'records: alert': alertSchema,
  'records: deadLetter': deadLetterSchema,
  'records: cycleLog': cycleLogEntrySchema,
  'records: rejection': rejectionSchema,
  'records: keywordState': keywordStateSchema,
  'records: operation': operationSchema,
  'records: operationItem': operationItemSchema,
  'records: address': addressEntrySchema,
  'records: outbox': outboxEntrySchema,
  'records: oauthGrant': grantSchema,
  'records: oauthState': pendingConnectionSchema,
  'records: maildrop head': maildropHeadSchema,
  'records: maildrop page': maildropPageSchema,
  'records: feedPage': storedPageSchema,
  'records: feedHead': storedHeadSchema,
  'records: feed epoch': storedEpochSchema,
  'records: consumer': consumerSchema,
  'records: webhook': webhookSchema,
  'records: webhookDelivery': webhookDeliverySchema,
};

/** What a release writes in a place, and what it takes when it reads it. */
export interface Form {
  readonly writes: JsonSchema;
  readonly reads: JsonSchema;
}
export type Contract = Readonly<Record<string, Form>>;

/** Schemas that the API names would be referred to; without their names all stands in its place. */
const metadata = z.registry<{ readonly id?: string }>();

/** JSON Schema knows no sets: those are left open. */
const describe = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const options = { io, metadata, unrepresentable: 'any', reused: 'inline' } as const;
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, options);
  return described as JsonSchema;
};

/** The contract of the code as it stands. */
export const describeContract = (): Contract =>
  Object.fromEntries(
    Object.entries(forms).map(([name, schema]) => [
      name,
      { writes: describe(schema, 'output'), reads: describe(schema, 'input') },
    ]),
  );
