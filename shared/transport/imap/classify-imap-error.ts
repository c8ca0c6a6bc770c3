import * as z from 'zod';
import { askedToWait, credentialRefused, showWords, tooManyConnections } from '../server-words.ts';
import { handshakeFailed, untrustedCertificate } from '../tls-failures.ts';
import { TransportError } from '../transport-error.ts';

/** How far a session had come when it failed: before the login, the profile's host is to blame, after it the login. */
export type SessionPhase = 'connecting' | 'authenticating' | 'established' | 'appending';

const errorSchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().catch(''),
  /** Response code in square brackets, RFC 5530 and others. */
  serverResponseCode: z.string().optional().catch(undefined),
  /** The server's line as text. */
  response: z.string().optional().catch(undefined),
  responseText: z.string().optional().catch(undefined),
  /** What a BYE said; TLS errors have a reason of their own kind. */
  reason: z.string().optional().catch(undefined),
  authenticationFailed: z.boolean().optional().catch(undefined),
  tlsFailed: z.boolean().optional().catch(undefined),
  throttleReset: z.number().optional().catch(undefined),
});
type ImapFailure = z.output<typeof errorSchema>;

const timedOut = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT', 'ETIMEOUT', 'ETIMEDOUT']);
const brokenOff = /^(?:NoConnection|EConnectionClosed|StateLogout|ClosedAfterConnect)/;
const closedUnasked = /^ClosedAfterConnect/;

const wordsOf = (failure: ImapFailure): string =>
  showWords(failure.responseText ?? failure.response ?? failure.reason ?? failure.message);

const throttled = (code: 'connectionLimit' | 'throttled', detail: string, error: unknown, retryAfterSeconds?: number) =>
  new TransportError(code, {
    class: 'throttled',
    level: 'mailbox',
    detail,
    error,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });

/** A login that was answered with NO: whether it is the credential is only known when the server says so (RFC 5530). */
const classifyRefusal = (failure: ImapFailure, error: unknown): TransportError => {
  const words = wordsOf(failure);
  const detail = `The server answered the login: ${words}`;
  switch (failure.serverResponseCode) {
    case 'LIMIT':
      return throttled('connectionLimit', detail, error);
    case 'INUSE':
    case 'IN-USE':
    case 'OVERQUOTA':
    case 'THROTTLED':
      return throttled('throttled', detail, error);
    case 'UNAVAILABLE':
    case 'SERVERBUG':
      return new TransportError('serverError', { class: 'transient', level: 'profile', detail, error });
    case 'AUTHENTICATIONFAILED':
      return new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox', detail, error });
    case 'EXPIRED':
      return new TransportError('authenticationFailed', {
        class: 'refused',
        level: 'mailbox',
        cause: 'The password has expired',
        detail,
        error,
      });
    case 'AUTHORIZATIONFAILED':
    case 'CONTACTADMIN':
    case 'NOPERM':
      return new TransportError('accessDenied', { class: 'permanent', level: 'mailbox', detail, error });
    case 'PRIVACYREQUIRED':
      return new TransportError('protocolUnsupported', {
        class: 'permanent',
        level: 'profile',
        cause: 'The server takes logins over a protected connection only',
        fix: 'Set security to tls or startTls',
        detail,
        error,
      });
  }
  if (tooManyConnections.test(words)) return throttled('connectionLimit', detail, error);
  if (askedToWait.test(words)) return throttled('throttled', detail, error);
  if (credentialRefused.test(words))
    return new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox', detail, error });
  return new TransportError('serverError', { class: 'transient', level: 'mailbox', detail, error });
};

/** A command that was answered with NO or BAD after the login. */
const classifyCommand = (failure: ImapFailure, phase: SessionPhase, error: unknown): TransportError => {
  const words = wordsOf(failure);
  const detail = `The server answered: ${words}`;
  switch (failure.serverResponseCode) {
    case 'OVERQUOTA':
      // Gmail says OVERQUOTA for too much traffic, too; only a refused APPEND tells of a full mailbox.
      return phase === 'appending'
        ? new TransportError('mailboxFull', { class: 'transient', level: 'mailbox', detail, error })
        : throttled('throttled', detail, error);
    case 'LIMIT':
      return throttled('connectionLimit', detail, error);
    case 'INUSE':
    case 'IN-USE':
    case 'THROTTLED':
      return throttled('throttled', detail, error);
    case 'NOPERM':
    case 'AUTHORIZATIONFAILED':
      return new TransportError('accessDenied', { class: 'permanent', level: 'mailbox', detail, error });
    default:
      return new TransportError('serverError', { class: 'transient', level: 'mailbox', detail, error });
  }
};

/** Turns whatever the IMAP library throws into the fault that the system acts on. */
export const classifyImapError = (error: unknown, phase: SessionPhase): TransportError => {
  if (error instanceof TransportError) return error;
  const parsed = errorSchema.safeParse(error);
  const failure: ImapFailure = parsed.success ? parsed.data : { message: String(error) };
  const farewell = brokenOff.test(failure.code ?? '') ? failure.reason : undefined;
  const early = phase === 'connecting' || phase === 'authenticating';
  const level = early ? 'profile' : 'mailbox';
  if (failure.throttleReset !== undefined)
    return throttled('throttled', wordsOf(failure), error, Math.ceil(failure.throttleReset / 1000));
  if (timedOut.has(failure.code ?? ''))
    return new TransportError('timedOut', { class: 'transient', level, detail: failure.message, error });
  if (untrustedCertificate.test(failure.code ?? ''))
    return new TransportError('tlsUntrusted', {
      class: 'permanent',
      level: 'profile',
      // What follows is advice for those who start the process.
      detail: failure.message.split(';')[0] ?? failure.message,
      error,
    });
  if (handshakeFailed.test(failure.code ?? ''))
    return new TransportError('connectFailed', {
      class: 'transient',
      level: 'profile',
      cause: 'No protected connection came about: the port may speak another security',
      detail: `TLS failed: ${failure.reason ?? failure.message}`,
      error,
    });
  // A BYE tells why a server ends a session, in words only.
  if (farewell !== undefined && tooManyConnections.test(farewell))
    return throttled('connectionLimit', `The server said: ${wordsOf(failure)}`, error);
  if (farewell !== undefined && askedToWait.test(farewell))
    return throttled('throttled', `The server said: ${wordsOf(failure)}`, error);
  if (failure.authenticationFailed === true) return classifyRefusal(failure, error);
  if (failure.tlsFailed === true && failure.code === undefined)
    return new TransportError('protocolUnsupported', {
      class: 'permanent',
      level: 'profile',
      detail: 'The server does not offer STARTTLS',
      error,
    });
  // The library's own words: the server offers no mechanism that takes what there is to log in with.
  if (failure.message === 'Unsupported authentication mechanism')
    return new TransportError('protocolUnsupported', {
      class: 'permanent',
      level: 'profile',
      detail: 'The server does not offer a login of this kind',
      fix: 'Set another authentication in the profile, or ask the provider to allow this one',
      error,
    });
  if (failure.response !== undefined || failure.responseText !== undefined)
    return classifyCommand(failure, phase, error);
  if (farewell !== undefined)
    return new TransportError('serverError', {
      class: 'transient',
      level,
      detail: `The server ended the session: ${wordsOf(failure)}`,
      error,
    });
  // Courier does so beyond MAXPERIP, which is 4 unless it is set.
  if (closedUnasked.test(failure.code ?? ''))
    return new TransportError('connectFailed', {
      class: 'transient',
      level,
      cause: 'A server may do so when it has as many connections from one address as it allows',
      detail: 'The server closed the connection before the login',
      fix: 'Set maxConnections of the profile to what the server allows',
      error,
    });
  if (early) return new TransportError('connectFailed', { class: 'transient', level, detail: failure.message, error });
  return new TransportError('serverError', {
    class: 'transient',
    level,
    detail: `The session broke off: ${failure.message}`,
    error,
  });
};
