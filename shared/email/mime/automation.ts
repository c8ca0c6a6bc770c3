import * as z from 'zod';
import { parseParameters } from './decode-text.ts';
import type { MailAddress } from './mail-addresses.ts';

/**
 * What kind of program wrote a message, as far as its header tells. Such mail makes no records of its senders.
 *
 * deliveryReport: perhaps a bounce, its content decides · autoReply: sent in answer to a message, without a person
 */
export const automationSchema = z.enum(['deliveryReport', 'readReceipt', 'autoReply', 'notification']);
export type Automation = z.output<typeof automationSchema>;

const nullPath = /^<?\s*(?:mailer-daemon(?:@[^<>\s]*)?)?\s*>?$/i;
const daemonName = /^(?:mailer-daemon|mail-daemon|mdaemon)$/i;
const bounceSubject =
  /^\s*(?:undeliver(?:able|ed)|mail delivery (?:failed|failure|status)|delivery (?:status notification|failure|failed|has failed|delayed)|failure notice|returned mail|message (?:delivery|not delivered)|warning: (?:message|could not send)|unzustellbar|nicht zustellbar|non remis|non distribuable|no se puede entregar|non recapitabile|onbestelbaar)/i;
const vacationSubject =
  /^\s*(?:auto(?:matic|mated)?[ -]?(?:reply|response|answer)|autoreply|out of (?:the )?office|on vacation|away from (?:the office|my mail)|vacation (?:reply|response|message)|automatische (?:antwort|abwesenheit)|abwesenheits(?:notiz|meldung|nachricht|assistent)|abwesend|r[ée]ponse automatique|absence du bureau|respuesta autom[áa]tica|fuera de la oficina|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezig|resposta autom[áa]tica|autosvar|automaattinen vastaus)/i;

const localPart = (from: MailAddress | null): string => (from?.address ?? '').replace(/@[^@]*$/, '');

const reportTypeOf = (contentType: string): 'delivery' | 'disposition' | 'other' | undefined => {
  const { value, params } = parseParameters(contentType.slice(0, 1000));
  if (value !== 'multipart/report') return undefined;
  const type = (params['report-type'] ?? '').trim().toLowerCase();
  if (type === '' || type.includes('delivery-status')) return 'delivery';
  return type.includes('disposition-notification') ? 'disposition' : 'other';
};

/**
 * Tells programs' mail from people's: RFC 3834 with what programs wrote before and beside it, RFC 3464, RFC 8098. Lists
 * and mass mail are people's: `Precedence: bulk` alone says nothing.
 *
 * @param first the value of a header field, by its name in lower case
 */
export const readAutomation = (
  first: (name: string) => string | undefined,
  from: MailAddress | null,
  subject: string,
): Automation | null => {
  const reportType = reportTypeOf(first('content-type') ?? '');
  if (reportType === 'delivery') return 'deliveryReport';
  if (reportType === 'disposition') return 'readReceipt';
  if (reportType === 'other') return 'notification';
  const name = localPart(from);
  // Bounces have no address to bounce to (RFC 5321 section 4.5.5); neither have many answers of programs.
  const returnPath = first('return-path')?.trim();
  const hasNullPath = returnPath !== undefined && nullPath.test(returnPath);
  const comesBack =
    first('x-failed-recipients') !== undefined ||
    daemonName.test(name) ||
    (bounceSubject.test(subject) && (hasNullPath || /^postmaster$/i.test(name)));
  if (comesBack) return 'deliveryReport';
  const submitted = first('auto-submitted')?.trim().toLowerCase() ?? 'no';
  const precedence = first('precedence') ?? '';
  const isReply =
    submitted.startsWith('auto-replied') ||
    /^\s*auto[_-]?repl/i.test(precedence) ||
    first('x-autoreply') !== undefined ||
    first('x-autorespond') !== undefined ||
    vacationSubject.test(subject);
  if (isReply) return 'autoReply';
  if (hasNullPath) return 'deliveryReport';
  const suppressed = /\b(?:all|oof|autoreply)\b/i.test(first('x-auto-response-suppress') ?? '');
  const isNotification =
    !/^no\b/.test(submitted) || suppressed || /^\s*junk\b/i.test(precedence) || /^postmaster$/i.test(name);
  return isNotification ? 'notification' : null;
};

/** The fields that this asks for. */
export const automationFields: readonly string[] = [
  'Return-Path',
  'Auto-Submitted',
  'Precedence',
  'X-Autoreply',
  'X-Autorespond',
  'X-Auto-Response-Suppress',
  'X-Failed-Recipients',
  'Content-Type',
];
