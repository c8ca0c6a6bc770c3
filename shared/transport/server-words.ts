// What servers say where they give no code. Only words that are the server's own are asked, never those of a message.

/** No place is free for a further connection. */
export const tooManyConnections =
  /too many|(?:connection|session)s?\b.*\b(?:limit|exceed)|limit.*connection|not connected/i;
export const askedToWait = /throttl|rate.?limit|try again|later|bandwidth|temporar/i;
export const credentialRefused =
  /invalid (?:\w+ )?(?:credential|login|user|password)|(?:authentication|login|logon) (?:failed|failure|incorrect)|(?:incorrect|bad|wrong|unknown) (?:\w+ )?(?:login|user|password|credential)|password (?:required|expired|incorrect)/i;

const lineLimit = 300;

/** A server's line, without what could break a log or a page. */
export const showWords = (words: string): string =>
  words
    .replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ')
    .slice(0, lineLimit)
    .toWellFormed();
