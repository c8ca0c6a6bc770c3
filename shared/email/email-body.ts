import type { ContentStore } from '../platform/content-store.ts';
import { fingerprint } from '../platform/identifier.ts';
import type { Email } from './email.ts';
import { type EmailBody, emailBodySchema } from './present-email.ts';

/** Everything of an email in the content bucket stands below this. */
export const emailContentPrefix = (organizationId: string, emailId: string): string =>
  `${organizationId}/emails/${emailId}/`;

export const rawKeyOf = (organizationId: string, emailId: string): string =>
  `${emailContentPrefix(organizationId, emailId)}raw.eml`;

// Each change of an email writes its item anew, with whatever stands in it.
const inlineBytes = 8_192;

/**
 * Where the body is kept: in the email while it is small, else in the content bucket. The key names the content, so a
 * body that replaces another leaves the other in place until the email no longer refers to it.
 */
export const storeBody = async (
  content: ContentStore,
  organizationId: string,
  emailId: string,
  body: EmailBody,
): Promise<Pick<Email, 'body' | 'bodyKey'>> => {
  const text = JSON.stringify(body);
  if (Buffer.byteLength(text) <= inlineBytes) return { body };
  const bodyKey = `${emailContentPrefix(organizationId, emailId)}body-${fingerprint(text).slice(0, 32)}.json`;
  await content.put(bodyKey, text, 'application/json');
  return { bodyKey };
};

/** An email without body has an empty one. */
export const loadBody = async (content: ContentStore, email: Email): Promise<EmailBody> => {
  if (email.body !== undefined) return email.body;
  if (email.bodyKey === undefined) return {};
  const bytes = await content.read(email.bodyKey);
  if (bytes === undefined) throw new Error(`The body of ${email.id} is missing`);
  return emailBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
};
