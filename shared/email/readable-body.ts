import type { ContentStore } from '../platform/content-store.ts';
import type { Email } from './email.ts';
import { loadBody } from './email-body.ts';
import type { EmailBody } from './present-email.ts';

/**
 * The body as whoever reads the email gets it: HTML that came from outside is made safe each time, so that a better rule
 * holds for old mail, too. The raw message keeps it as it came.
 */
export const loadReadableBody = async (content: ContentStore, email: Email): Promise<EmailBody> => {
  const body = await loadBody(content, email);
  if (email.direction === 'outgoing' || body.html === undefined) return body;
  // Loaded when it is first needed: sending and most requests read no HTML.
  const { makeHtmlSafe } = await import('./safe-html.ts');
  return { ...body, html: makeHtmlSafe(body.html) };
};
