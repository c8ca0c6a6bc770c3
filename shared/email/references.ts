import type { Email } from './email.ts';

/** RFC 5322 section 3.6.4 keeps every ancestor; servers do not: the first one and the last ones hold a thread together. */
const referencesLimit = 20;

/** What an answer to this email refers to. */
export const referencesAfter = (parent: Email): string[] => {
  const { messageId } = parent;
  // The last one is who is answered, also where a message refers to itself.
  const before = parent.references.filter((one) => one !== messageId);
  const unique = [...new Set(messageId === null ? before : [...before, messageId])];
  return unique.length <= referencesLimit ? unique : [...unique.slice(0, 1), ...unique.slice(1 - referencesLimit)];
};
