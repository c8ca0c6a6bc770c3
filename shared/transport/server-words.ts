// What servers say where they give no code. Only words that are the server's own are asked, never those of a message.

/** No place is free for a further connection. */
export const tooManyConnections =
  /too many|(?:connection|session)s?\b.*\b(?:limit|exceed)|limit.*connection|not connected/i;
export const askedToWait = /throttl|rate.?limit|try again|later|bandwidth|temporar/i;
/** How servers say it that give no code: Exchange and Zimbra name the command, others the login or what was wrong. */
const refusals: readonly RegExp[] = [
  /\b(?:authenticate(?: \w+)?|authentication|authorization|log[io]n) (?:fail(?:ed|ure)?|incorrect|invalid)\b/,
  /\binvalid (?:\w+ )?(?:credential|login|user|password)/,
  /\b(?:incorrect|bad|wrong|unknown) (?:\w+ )?(?:login|user|password|credential)/,
  /\b(?:user ?name|password|credential)s?\b.{0,100}\b(?:incorrect|invalid|wrong|not (?:accepted|correct|valid))\b/,
  /\bpassword (?:required|expired|error)\b/,
  /\bunable to log ?(?:in|on)\b/,
  // Gmail, where somebody has to prove in a browser that it is them.
  /\bweb login required\b|\blog ?in via your web browser\b/,
];
export const credentialRefused = new RegExp(refusals.map(({ source }) => source).join('|'), 'i');

const lineLimit = 300;

/** A server's line, without what could break a log or a page. */
export const showWords = (words: string): string =>
  words
    .replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ')
    .slice(0, lineLimit)
    .toWellFormed();
