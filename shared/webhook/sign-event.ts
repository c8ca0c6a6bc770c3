import { randomBytes } from 'node:crypto';
import { Webhook as Signer } from 'standardwebhooks';
import type { FeedEvent } from '../feed/feed-event.ts';

export const secretPrefix = 'whsec_';

/** 256 bits, as Standard Webhooks writes them. */
export const createWebhookSecret = (): string => `${secretPrefix}${randomBytes(32).toString('base64')}`;

/** What is posted: the event as the feed shows it; a thin one without the resource, which is read by its id. */
export const eventBody = (event: FeedEvent, thin: boolean): string => {
  const { data, ...bare } = event;
  return JSON.stringify({ type: event.type, timestamp: event.at, data: thin ? bare : { ...bare, data } });
};

/** The headers of Standard Webhooks; a signature with each secret, the present one first. */
export const signatureHeaders = (
  id: string,
  body: string,
  secrets: readonly string[],
  now: Date,
): Readonly<Record<string, string>> => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
  'webhook-signature': secrets.map((secret) => new Signer(secret).sign(id, now, body)).join(' '),
});
