import * as z from 'zod';
import { eventTypeFilterSchema } from '../feed/feed-event.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import type { SecretPlace } from '../platform/secrets.ts';
import { entityShape, sealedSecretSchema } from '../platform/values.ts';

/** Why a webhook is disabled: by hand, after the last retry, or since its endpoint said that it is gone. */
export const disabledReasonSchema = z.enum(['admin', 'endpointFailing', 'endpointGone']);

const replacedSecretSchema = sealedSecretSchema.extend({ until: z.string() });
export type ReplacedSecret = z.output<typeof replacedSecretSchema>;

/** A subscription: events of the feed are posted to its endpoint. How far it has come stands in its state. */
export const webhookSchema = z.object({
  ...entityShape,
  url: z.string(),
  /** Types of events that it gets; null: all. */
  types: z.array(eventTypeFilterSchema).nullable(),
  /** Events without the resource that they are about. */
  thin: z.boolean(),
  status: z.enum(['enabled', 'disabled']),
  reason: disabledReasonSchema.nullable(),
  /** What the last attempt met, where the hub itself disabled it. */
  fault: faultSchema.nullable(),
  /** End of the feed when the webhook was made: it gets what comes after. */
  startCursor: z.string(),
  secret: sealedSecretSchema,
  /** Signs besides the present one until then (instant). */
  previousSecret: replacedSecretSchema.nullable(),
  /** Those before it, while they sign, the newest first: who rotates again because an answer was lost knows none between. */
  olderSecrets: z.array(replacedSecretSchema).default([]),
});
export type Webhook = z.output<typeof webhookSchema>;

export const webhookKind: EntityKind<Webhook> = {
  kind: 'webhook',
  prefix: 'whk',
  parse: (stored) => webhookSchema.parse(stored),
};

/** Webhooks that an organization may have. */
export const webhookLimit = 25;

/** What signs besides the present secret, the newest first. */
export const signingBesides = (
  { previousSecret, olderSecrets }: Pick<Webhook, 'previousSecret' | 'olderSecrets'>,
  now: Date,
): readonly ReplacedSecret[] =>
  [...(previousSecret === null ? [] : [previousSecret]), ...olderSecrets].filter(
    ({ until }) => Date.parse(until) > now.getTime(),
  );

/** Where the secrets of a webhook are sealed. */
export const webhookSecretPlace = (
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  webhookId: string,
): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: webhookId,
  field: 'secret',
});
