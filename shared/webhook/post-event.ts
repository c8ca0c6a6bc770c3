import type { FeedEvent } from '../feed/feed-event.ts';
import type { Organization } from '../organization/organization.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { DialledPost } from '../transport/http/dialled-post.ts';
import { TransportError } from '../transport/transport-error.ts';
import { readRetryAfter } from './retry-plan.ts';
import { eventBody, signatureHeaders } from './sign-event.ts';
import { signingBesides, type Webhook, webhookSecretPlace } from './webhook.ts';

/** For the whole of a request, up to the head of its answer. */
export const attemptSeconds = 15;

/** How one attempt ended. */
export interface AttemptOutcome {
  readonly at: Date;
  readonly seconds: number;
  readonly responseStatus: number | null;
  /** Null: delivered. */
  readonly fault: Fault | null;
  /** The endpoint said that it will never take anything again. */
  readonly gone: boolean;
  readonly retryAfterSeconds: number | undefined;
}

/** The secrets that sign at present, the newest first. */
export const openSecrets = async (
  vault: SecretVault,
  organization: Organization,
  webhook: Webhook,
  now: Date,
): Promise<readonly string[]> => {
  const place = webhookSecretPlace(organization, webhook.id);
  const signing = [webhook.secret, ...signingBesides(webhook, now)];
  return Promise.all(signing.map((sealed) => vault.open(place, sealed)));
};

const refusal = (status: number): Fault => {
  const redirect = status >= 300 && status < 400;
  if (status === 410) return createFault('endpointGone', { detail: 'The endpoint answered 410' });
  return createFault('endpointFailing', {
    detail: `The endpoint answered ${status}`,
    cause: redirect ? 'Redirects are not followed' : 'It answered with another status than 2xx',
    ...(redirect ? { fix: 'Give the webhook the URL that the endpoint redirects to' } : {}),
  });
};

/** Posts an event once. Whatever keeps it from being taken is an outcome. */
export const postEvent = async (
  connection: DialledPost,
  webhook: Pick<Webhook, 'url' | 'thin'>,
  event: FeedEvent,
  secrets: readonly string[],
  now: () => Date,
): Promise<AttemptOutcome> => {
  const at = now();
  const body = eventBody(event, webhook.thin);
  const headers = { 'content-type': 'application/json', ...signatureHeaders(event.id, body, secrets, at) };
  const ended = (): Pick<AttemptOutcome, 'at' | 'seconds'> => ({
    at,
    seconds: (now().getTime() - at.getTime()) / 1000,
  });
  try {
    const { status, retryAfter } = await connection.post(webhook.url, headers, body);
    const taken = status >= 200 && status < 300;
    return {
      ...ended(),
      responseStatus: status,
      fault: taken ? null : refusal(status),
      gone: status === 410,
      retryAfterSeconds: taken ? undefined : readRetryAfter(retryAfter, now()),
    };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { ...ended(), responseStatus: null, fault: error.fault, gone: false, retryAfterSeconds: undefined };
  }
};
