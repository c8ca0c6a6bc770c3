import { mostRecipients, oneLine, type ReportedOutcome, type ReportedRecipient } from './delivery-report.ts';

/** What a bounce says that was written for people alone. */
export interface TextBounce {
  readonly recipients: readonly ReportedRecipient[];
  /** Of the message that came back, where the text quotes its header. */
  readonly messageId: string | undefined;
}

interface Opening {
  readonly pattern: RegExp;
  readonly outcome: ReportedOutcome;
}

/** How servers begin to tell; the recipients stand below. Those that only wait come first: their words say more. */
const openings: readonly Opening[] = [
  // Exim
  { pattern: /^A message that you (?:have )?sent has not (?:yet )?been delivered to/im, outcome: 'delayed' },
  { pattern: /^A message that you (?:have )?sent could not be delivered to/im, outcome: 'failed' },
  // Gmail
  { pattern: /^Delivery to the following recipients? has been delayed/im, outcome: 'delayed' },
  { pattern: /^Delivery to the following recipients? failed(?: permanently)?/im, outcome: 'failed' },
  // Sendmail
  { pattern: /^ *-{3,} The following addresses had transient non-fatal errors -{3,}/im, outcome: 'delayed' },
  {
    pattern: /^ *-{3,} The following addresses had (?:permanent )?(?:fatal|delivery) errors -{3,}/im,
    outcome: 'failed',
  },
  // qmail
  { pattern: /^Hi\. (?:This is|The) (?:the )?qmail-send program/im, outcome: 'failed' },
  // Postfix
  {
    pattern: /^ *(?:[#*] *)*THIS IS A WARNING ONLY\. +YOU DO NOT NEED TO RESEND YOUR MESSAGE/im,
    outcome: 'delayed',
  },
  {
    pattern: /^This is the (?:Postfix program|mail system) at host [^\n]*(?:\n(?!<)[^\n]*){0,30}/im,
    outcome: 'failed',
  },
  // Exchange before 2007
  { pattern: /^ *did not reach the following recipient(?:\(s\)|s)?:/im, outcome: 'failed' },
  {
    pattern: /^ *The following recipient(?:\(s\)|s)? (?:could|cannot) (?:not )?be reached:/im,
    outcome: 'failed',
  },
  { pattern: /^ *Delivery (?:has )?failed to these recipients/im, outcome: 'failed' },
  // Yahoo and others
  { pattern: /unable to deliver your message to the following address/im, outcome: 'failed' },
];

/** Where the message that came back begins. */
const returned =
  /^[ >]*-{2,} ?(?:Below this line is a copy of the message|This is a copy of (?:the|your) message|Original message|The header of the original message|Message header follows|Returned message|Undelivered message|Unsent message below|Transcript of session follows)/im;

// `<carl@client.example>: host mx.client.example said: 550 …`, or with `(expanded from <office@client.example>)`
const named = /^ {0,3}<([^<>\s]{1,320})>(?: \(expanded from <([^<>\s]{1,320})>\))?:?\s*(.*)$/;
// `carl@client.example` alone, or with the reason behind it
const alone =
  /^ {1,12}<?([^\s<>:;,()"]{1,160}@[^\s<>:;,()"]{1,255})>?(?:\s+\(generated from ([^\s()]{1,320})\))?\s*(?::\s*(.*))?$/;
// Exchange: `CARL@client.example on Fri, 20 Nov 2026 12:09:58 +0000`
const dated = /^ {0,12}([^\s<>:;,()"]{1,160}@[^\s<>:;,()"]{1,255}) on \w{3},? .*$/;

const longestText = 64 * 1024;
const longestLine = 1_000;
const reasonLines = 6;

const addressesIn = (line: string): { readonly addresses: readonly string[]; readonly reason: string } | undefined => {
  for (const pattern of [named, dated, alone]) {
    const found = pattern.exec(line);
    if (found === null) continue;
    // The original comes first; the second group of `dated` does not exist.
    const addresses = [found[2], found[1]].filter((one) => one?.includes('@') === true) as string[];
    return addresses.length === 0 ? undefined : { addresses, reason: found[3] ?? '' };
  }
  return undefined;
};

const listRecipients = (text: string, outcome: ReportedOutcome): readonly ReportedRecipient[] => {
  const recipients: { addresses: readonly string[]; reason: string[] }[] = [];
  for (const line of text.split('\n', 2_000)) {
    const short = line.slice(0, longestLine);
    const found = addressesIn(short);
    if (found !== undefined) recipients.push({ addresses: found.addresses, reason: [found.reason] });
    else if (recipients.length > 0 && (recipients.at(-1)?.reason.length ?? 0) <= reasonLines)
      recipients.at(-1)?.reason.push(short.trim());
    if (recipients.length === mostRecipients) break;
  }
  return recipients.map(({ addresses, reason }) => ({ addresses, outcome, answer: oneLine(reason.join(' ')) }));
};

const quotedMessageId = (text: string): string | undefined =>
  /^[ >]*Message-ID:\s*(<[^<>\s]{1,900}>)/im.exec(text)?.[1];

const isWarning = /\b(?:warning|delayed|delay)\b/i;

const readFailedRecipients = (value: string | undefined, outcome: ReportedOutcome): readonly ReportedRecipient[] =>
  (value ?? '')
    .slice(0, longestText)
    .split(/[,\s]+/, mostRecipients)
    .filter((address) => address.includes('@'))
    .map((address) => ({ addresses: [address], outcome, answer: '' }));

/**
 * Reads a bounce of a server that does not write delivery reports of RFC 3464: qmail, Exim, Sendmail, and old ones of
 * Postfix, Exchange and Gmail. Undefined unless it begins as one of theirs, or its header names who failed.
 *
 * @param failedRecipients the header X-Failed-Recipients (Exim, Gmail)
 */
export const readTextBounce = (
  fullText: string,
  subject: string,
  failedRecipients: string | undefined,
): TextBounce | undefined => {
  const text = fullText.slice(0, longestText).replaceAll('\r\n', '\n');
  const opening = openings.find(({ pattern }) => pattern.test(text));
  const begin = opening === undefined ? null : opening.pattern.exec(text);
  const outcome = opening?.outcome ?? (isWarning.test(subject) ? 'delayed' : 'failed');
  const told = begin === null ? '' : text.slice(begin.index + begin[0].length);
  const end = returned.exec(told);
  const listed = listRecipients(end === null ? told : told.slice(0, end.index), outcome);
  const recipients = listed.length > 0 ? listed : readFailedRecipients(failedRecipients, outcome);
  return recipients.length === 0 ? undefined : { recipients, messageId: quotedMessageId(text) };
};
