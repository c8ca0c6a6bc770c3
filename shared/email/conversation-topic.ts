// What programs put before a subject when they answer or forward, in the languages of mail.
const replies = 'r[eé]p?|aw|antw|sv|vs|odp|ynt|ref|res|ατ|回复|回覆|答复|答覆|返信|답장|re\\s?文';
const forwards =
  'fwd?|wg|tr|rv|enc|i|doorst|vl|vb|videresendt|vidarebefordrat|pd|ilt|fs|továbbítás|προ|转发|轉寄|転送|전달|пересл';
const counted = '(?:\\s*(?:\\[\\d+\\]|\\(\\d+\\)|\\*\\d+))?\\s*[:：]';

const forwarded = new RegExp(`^\\s*(?:${forwards})${counted}`, 'iu');
const prefixes = new RegExp(`^(?:\\s*(?:${replies}|${forwards})${counted})+\\s*`, 'iu');

/** Whether the subject says that the message passes another one on. */
export const isForwarded = (subject: string): boolean => forwarded.test(subject);

/** The subject without what answering and forwarding put before it: the same for all messages of a conversation. */
export const conversationTopic = (subject: string): string => subject.replace(prefixes, '').trim();
