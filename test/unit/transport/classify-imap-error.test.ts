import { describe, expect, it } from 'vitest';
import { classifyImapError, type SessionPhase } from '../../../shared/transport/imap/classify-imap-error.ts';

const summary = (error: unknown, phase: SessionPhase = 'authenticating') => {
  const { fault, class: kind, level } = classifyImapError(error, phase);
  return `${fault.code} ${kind} ${level}`;
};
const refusedLogin = (words: string, serverResponseCode?: string) => ({
  message: 'Command failed',
  authenticationFailed: true,
  response: `3 NO ${words}`,
  responseText: words,
  ...(serverResponseCode === undefined ? {} : { serverResponseCode }),
});

describe('a refused login', () => {
  it.each([
    ['AUTHENTICATIONFAILED', 'authenticationFailed refused mailbox'],
    ['EXPIRED', 'authenticationFailed refused mailbox'],
    ['AUTHORIZATIONFAILED', 'accessDenied permanent mailbox'],
    ['PRIVACYREQUIRED', 'protocolUnsupported permanent profile'],
    ['LIMIT', 'connectionLimit throttled mailbox'],
    ['INUSE', 'throttled throttled mailbox'],
    ['OVERQUOTA', 'throttled throttled mailbox'],
    ['UNAVAILABLE', 'serverError transient profile'],
  ])('with the code %s is %s', (code, expected) => {
    expect(summary(refusedLogin('No', code))).toBe(expected);
  });

  it.each([
    ['Invalid credentials (Failure)', 'authenticationFailed refused mailbox'],
    ['LOGIN failed.', 'authenticationFailed refused mailbox'],
    ['AUTHENTICATE failed.', 'authenticationFailed refused mailbox'],
    ['AUTHENTICATE PLAIN failed', 'authenticationFailed refused mailbox'],
    ['authentication failure', 'authenticationFailed refused mailbox'],
    ['Invalid user name or password.', 'authenticationFailed refused mailbox'],
    ['Incorrect username or password', 'authenticationFailed refused mailbox'],
    ['UserName or Password were incorrect', 'authenticationFailed refused mailbox'],
    ['LOGIN Login error or password error', 'authenticationFailed refused mailbox'],
    ['Please log in via your web browser', 'authenticationFailed refused mailbox'],
    ['Application-specific password required', 'authenticationFailed refused mailbox'],
    ['Too many simultaneous connections. (Failure)', 'connectionLimit throttled mailbox'],
    ['Temporary authentication failure', 'throttled throttled mailbox'],
    ['User is authenticated but not connected.', 'connectionLimit throttled mailbox'],
    ['Server Unavailable. 15', 'serverError transient mailbox'],
    ['Internal authentication error', 'serverError transient mailbox'],
    ['Not now', 'serverError transient mailbox'],
  ])('without a code, saying "%s", is %s', (words, expected) => {
    expect(summary(refusedLogin(words))).toBe(expected);
  });
});

describe('a connection that does not come about', () => {
  it.each([
    [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }, 'connectFailed transient profile'],
    [
      { code: 'ERR_SSL_WRONG_VERSION_NUMBER', message: 'x', reason: 'wrong version' },
      'connectFailed transient profile',
    ],
    [{ code: 'GREETING_TIMEOUT', message: 'x' }, 'timedOut transient profile'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: 'self-signed' }, 'tlsUntrusted permanent profile'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: 'name' }, 'tlsUntrusted permanent profile'],
    [{ code: 'CERT_HAS_EXPIRED', message: 'expired' }, 'tlsUntrusted permanent profile'],
    [{ message: 'no STARTTLS', tlsFailed: true }, 'protocolUnsupported permanent profile'],
    [
      { code: 'ClosedAfterConnectTLS', message: 'x', reason: 'Too many connections' },
      'connectionLimit throttled mailbox',
    ],
  ])('%o is %s', (error, expected) => {
    expect(summary(error, 'connecting')).toBe(expected);
  });
});

describe('a command that fails after the login', () => {
  it('blames the mailbox, not the profile', () => {
    expect(summary({ code: 'ETIMEOUT', message: 'x' }, 'established')).toBe('timedOut transient mailbox');
    expect(summary({ code: 'NoConnection', message: 'x' }, 'established')).toBe('serverError transient mailbox');
  });

  it('tells a full mailbox from too much traffic', () => {
    const error = { message: 'Command failed', response: '1 NO', serverResponseCode: 'OVERQUOTA' };
    expect(summary(error, 'appending')).toBe('mailboxFull transient mailbox');
    expect(summary(error, 'established')).toBe('throttled throttled mailbox');
  });

  it('passes on how long the server asks to wait', () => {
    const failure = classifyImapError({ code: 'ETHROTTLE', message: 'x', throttleReset: 92_415 }, 'established');
    expect(failure.retryAfterSeconds).toBe(93);
  });
});
