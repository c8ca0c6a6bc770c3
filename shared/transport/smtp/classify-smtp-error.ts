import * as z from 'zod';
import type { FaultCode } from '../../platform/fault-catalogue.ts';
import { showWords } from '../server-words.ts';
import { handshakeFailed, reasonOf, untrustedCertificate } from '../tls-failures.ts';
import { TransportError } from '../transport-error.ts';

/** How far a session had come when it failed. */
export type SmtpPhase = 'connecting' | 'authenticating' | 'sending';

const failureSchema = z.object({
  code: z.string().optional().catch(undefined),
  /** The code of the system or the TLS library below the mail library's own. */
  originalCode: z.string().optional().catch(undefined),
  message: z.string().catch(''),
  /** The command that was answered. */
  command: z.string().optional().catch(undefined),
  response: z.string().optional().catch(undefined),
  responseCode: z.number().optional().catch(undefined),
});
export type SmtpFailure = z.output<typeof failureSchema>;

export const readFailure = (error: unknown): SmtpFailure => {
  const parsed = failureSchema.safeParse(error);
  return parsed.success ? parsed.data : { message: String(error) };
};

/** The server's answer on one line, without what could break a log or a page. */
export const answerOf = (failure: SmtpFailure): string => showWords(failure.response ?? failure.message);

/** The enhanced status code (RFC 3463) behind the reply code: `5.1.1` of `550 5.1.1 …`. */
export const enhancedCodeOf = (response: string | undefined): string | undefined =>
  /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];

const timeouts = new Set(['ETIMEDOUT', 'ETIMEOUT']);
// RFC 4954 section 6: the mechanism or the command is not known, or the login needs protection first.
const mechanismRefused = new Set([500, 502, 503, 504, 530, 538]);
// RFC 4954 section 6: 535 authentication credentials invalid, 534 a stronger mechanism (an app password) is asked for.
const credentialRefused = new Set([534, 535]);

const classifyLogin = (failure: SmtpFailure, replyCode: number, error: unknown): TransportError => {
  const detail = `The server answered the login: ${answerOf(failure)}`;
  if (credentialRefused.has(replyCode) || enhancedCodeOf(failure.response) === '5.7.8')
    return new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox', detail, error });
  if (replyCode < 500)
    return new TransportError('serverError', { class: 'transient', level: 'mailbox', detail, error });
  if (mechanismRefused.has(replyCode))
    return new TransportError('protocolUnsupported', { class: 'permanent', level: 'profile', detail, error });
  return new TransportError('accessDenied', { class: 'permanent', level: 'mailbox', detail, error });
};

const classifyReply = (failure: SmtpFailure, replyCode: number, phase: SmtpPhase, error: unknown): TransportError => {
  const detail = `The server answered: ${answerOf(failure)}`;
  // RFC 5321 section 3.8: the server closes, be it for its load or for the number of connections.
  if (replyCode === 421)
    return new TransportError(phase === 'connecting' ? 'connectionLimit' : 'throttled', {
      class: 'throttled',
      level: 'mailbox',
      detail,
      error,
    });
  if (failure.command === 'STARTTLS' && replyCode >= 500)
    return new TransportError('protocolUnsupported', {
      class: 'permanent',
      level: 'profile',
      detail: `The server does not offer STARTTLS: ${answerOf(failure)}`,
      error,
    });
  if (phase === 'authenticating') return classifyLogin(failure, replyCode, error);
  const level = phase === 'connecting' ? 'profile' : 'mailbox';
  return replyCode >= 500
    ? new TransportError('accessDenied', { class: 'permanent', level, detail, error })
    : new TransportError('serverError', { class: 'transient', level, detail, error });
};

/**
 * Turns what the SMTP library says of a connection into the fault that the system acts on. Reply codes decide, and the
 * codes of the system where there was no reply; never the words of a message.
 */
export const classifySmtpError = (error: unknown, phase: SmtpPhase): TransportError => {
  if (error instanceof TransportError) return error;
  const failure = readFailure(error);
  if (failure.responseCode !== undefined) return classifyReply(failure, failure.responseCode, phase, error);
  const level = phase === 'sending' ? 'mailbox' : 'profile';
  const codes = [failure.code ?? '', failure.originalCode ?? ''];
  if (codes.some((code) => untrustedCertificate.test(code)))
    return new TransportError('tlsUntrusted', {
      class: 'permanent',
      level: 'profile',
      detail: answerOf(failure),
      error,
    });
  const common = { class: 'transient', level, detail: answerOf(failure), error } as const;
  if (codes.some((code) => handshakeFailed.test(code)))
    return new TransportError('connectFailed', {
      ...common,
      cause: 'No protected connection came about: the port may speak another security',
      detail: `TLS failed: ${reasonOf(answerOf(failure))}`,
    });
  if (codes.some((code) => timeouts.has(code))) return new TransportError('timedOut', common);
  return phase === 'sending'
    ? new TransportError('serverError', { ...common, detail: `The session broke off: ${answerOf(failure)}` })
    : new TransportError('connectFailed', common);
};

/** What a refusal of one step of the transaction says about a recipient or the email; 4xx only asks for patience. */
export const refusalCode = (
  step: 'sender' | 'recipient' | 'message',
  replyCode: number,
  response: string | undefined,
): FaultCode => {
  if (replyCode < 500) return 'serverError';
  const enhanced = enhancedCodeOf(response);
  if (step === 'message') return 'messageRejected';
  // RFC 1870 section 6.1: the declared size is refused already at MAIL.
  if (step === 'sender') return replyCode === 552 ? 'messageRejected' : 'senderRejected';
  // RFC 3463 sections 3.2 and 3.8: x.1.7 and x.1.8 name the sender; 553 with 5.7.1 is how a login that may not use the
  // sender's address is refused by servers that answer only at RCPT.
  const blamesSender = enhanced === '5.1.7' || enhanced === '5.1.8' || (replyCode === 553 && enhanced === '5.7.1');
  return blamesSender ? 'senderRejected' : 'recipientRejected';
};
