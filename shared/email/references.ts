import type { Email } from './email.ts';

/** RFC 5322 section 3.6.4 keeps every ancestor; servers do not: the first one and the last ones hold a thread together. */
const referencesLimit = 20;

/** What an answer to this email refers to. */
export const referencesAfter = (parent: Email): string[] => {
  const chain = parent.messageId === null ? parent.references : [...parent.references, parent.messageId];
  const unique = [...new Set(chain)];
  return unique.length <= referencesLimit ? unique : [...unique.slice(0, 1), ...unique.slice(1 - referencesLimit)];
};
