import { askedToWait, credentialRefused, showWords, tooManyConnections } from '../server-words.ts';
import { handshakeFailed, reasonOf, untrustedCertificate } from '../tls-failures.ts';
import { TransportError } from '../transport-error.ts';
import { Pop3Refusal } from './pop3-refusal.ts';
import { ConnectionLost } from './pop3-socket.ts';

/** How far a session had come when it failed: before the login, the profile's host is to blame, after it the login. */
export type Pop3Phase = 'connecting' | 'authenticating' | 'established';

const protectionMissing = /plaintext|clear ?text|(?:secure|encrypted|protected) connection|\b(?:SSL|TLS)\b/i;
/** RFC 1939 section 3: only one session at a time has a maildrop. */
const maildropLocked = /lock|in use|busy|already (?:open|logged)/i;

const throttled = (code: 'connectionLimit' | 'throttled', detail: string, error: unknown, retryAfterSeconds?: number) =>
  new TransportError(code, {
    class: 'throttled',
    level: 'mailbox',
    detail,
    error,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });

/** What the codes of RFC 2449 section 8.1 and RFC 3206 say; undefined where there is none that is known. */
const classifyCode = (
  refusal: Pop3Refusal,
  phase: Pop3Phase,
  detail: string,
  loginDelaySeconds: number | undefined,
): TransportError | undefined => {
  const { responseCode, words } = refusal;
  switch (responseCode) {
    case 'IN-USE':
      return throttled(tooManyConnections.test(words) ? 'connectionLimit' : 'throttled', detail, refusal);
    case 'LOGIN-DELAY':
      return throttled('throttled', detail, refusal, loginDelaySeconds);
    case 'SYS/TEMP': {
      const level = phase === 'established' ? 'mailbox' : 'profile';
      return new TransportError('serverError', { class: 'transient', level, detail, error: refusal });
    }
    case 'SYS/PERM':
      return new TransportError('accessDenied', { class: 'permanent', level: 'mailbox', detail, error: refusal });
    case 'AUTH':
      return protectionMissing.test(words)
        ? new TransportError('protocolUnsupported', {
            class: 'permanent',
            level: 'profile',
            cause: 'The server takes logins over a protected connection only',
            fix: 'Set security to tls or startTls',
            detail,
            error: refusal,
          })
        : new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox', detail, error: refusal });
  }
  return undefined;
};

const classifyRefusal = (
  refusal: Pop3Refusal,
  phase: Pop3Phase,
  loginDelaySeconds: number | undefined,
): TransportError => {
  const words = showWords(refusal.message);
  const detail =
    phase === 'authenticating' ? `The server answered the login: ${words}` : `The server answered: ${words}`;
  const known = classifyCode(refusal, phase, detail, loginDelaySeconds);
  if (known !== undefined) return known;
  if (tooManyConnections.test(words)) return throttled('connectionLimit', detail, refusal);
  if (askedToWait.test(words)) return throttled('throttled', detail, refusal);
  if (phase === 'authenticating') {
    if (maildropLocked.test(words)) return throttled('throttled', detail, refusal);
    if (credentialRefused.test(words))
      return new TransportError('authenticationFailed', { class: 'refused', level: 'mailbox', detail, error: refusal });
  }
  const level = phase === 'connecting' ? 'profile' : 'mailbox';
  return new TransportError('serverError', { class: 'transient', level, detail, error: refusal });
};

const classifyLoss = (lost: ConnectionLost, phase: Pop3Phase): TransportError => {
  const level = phase === 'established' ? 'mailbox' : 'profile';
  const { code = '', message } = lost;
  if (untrustedCertificate.test(code))
    return new TransportError('tlsUntrusted', {
      class: 'permanent',
      level: 'profile',
      // What follows is advice for those who start the process.
      detail: message.split(';')[0] ?? message,
      error: lost,
    });
  if (handshakeFailed.test(code))
    return new TransportError('connectFailed', {
      class: 'transient',
      level: 'profile',
      cause: 'No protected connection came about: the port may speak another security',
      detail: `TLS failed: ${showWords(reasonOf(message))}`,
      error: lost,
    });
  if (code === 'ETIMEDOUT')
    return new TransportError('timedOut', { class: 'transient', level, detail: message, error: lost });
  return phase === 'established'
    ? new TransportError('serverError', {
        class: 'transient',
        level,
        detail: `The session broke off: ${message}`,
        error: lost,
      })
    : new TransportError('connectFailed', { class: 'transient', level, detail: message, error: lost });
};

/**
 * Turns whatever a session meets into the fault that the system acts on.
 *
 * @param loginDelaySeconds how far apart the server wants logins to be, where it said so (RFC 2449 section 6.5)
 */
export const classifyPop3Error = (error: unknown, phase: Pop3Phase, loginDelaySeconds?: number): TransportError => {
  if (error instanceof TransportError)
    // Once the login stands it is this login's session that is slow.
    return error.fault.code === 'timedOut' && phase === 'established' && error.level === 'profile'
      ? new TransportError('timedOut', { class: 'transient', level: 'mailbox', detail: error.message, error })
      : error;
  if (error instanceof Pop3Refusal) return classifyRefusal(error, phase, loginDelaySeconds);
  if (error instanceof ConnectionLost) return classifyLoss(error, phase);
  throw error;
};
