import { describe, expect, it } from 'vitest';
import { classifyPop3Error, type Pop3Phase } from '../../../shared/transport/pop3/classify-pop3-error.ts';
import { Pop3Refusal } from '../../../shared/transport/pop3/pop3-refusal.ts';
import { ConnectionLost } from '../../../shared/transport/pop3/pop3-socket.ts';

const summary = (error: unknown, phase: Pop3Phase = 'authenticating') => {
  const { fault, class: kind, level } = classifyPop3Error(error, phase, 120);
  return `${fault.code} ${kind} ${level}`;
};
const lost = (code: string, message = 'x') => new ConnectionLost(Object.assign(new Error(message), { code }));

describe('a refused login', () => {
  it.each([
    ['[AUTH] Authentication failed.', 'authenticationFailed refused mailbox'],
    [
      '[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
      'protocolUnsupported permanent profile',
    ],
    ['[SYS/TEMP] Internal error', 'serverError transient profile'],
    ['[SYS/PERM] The account is broken', 'accessDenied permanent mailbox'],
    ['[IN-USE] Do you have another POP session running?', 'throttled throttled mailbox'],
    [
      '[IN-USE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)',
      'connectionLimit throttled mailbox',
    ],
    ['[LOGIN-DELAY] minimum time between mail checks violation', 'throttled throttled mailbox'],
    ['[in-use] locked', 'throttled throttled mailbox'],
    ['invalid password', 'authenticationFailed refused mailbox'],
    ['Authentication failed', 'authenticationFailed refused mailbox'],
    ['authorization failed', 'authenticationFailed refused mailbox'],
    ['Logon failure: unknown user name or bad password.', 'authenticationFailed refused mailbox'],
    ['Password supplied for "anna.k@example.test" is incorrect.', 'authenticationFailed refused mailbox'],
    ['Unable to log on', 'authenticationFailed refused mailbox'],
    ['unable to lock maildrop', 'throttled throttled mailbox'],
    ['Too many connections', 'connectionLimit throttled mailbox'],
    ['not today', 'serverError transient mailbox'],
    ['[X-UNKNOWN] incorrect password', 'authenticationFailed refused mailbox'],
  ])('that says "%s" is %s', (text, expected) => {
    expect(summary(new Pop3Refusal(text))).toBe(expected);
  });

  it('for logins that follow too close tells when to come back', () => {
    expect(classifyPop3Error(new Pop3Refusal('[LOGIN-DELAY] wait'), 'authenticating', 120).retryAfterSeconds).toBe(120);
  });
});

describe('a connection that does not come about or breaks off', () => {
  it.each([
    [lost('ECONNREFUSED'), 'connecting', 'connectFailed transient profile'],
    [lost('ERR_SSL_WRONG_VERSION_NUMBER'), 'connecting', 'connectFailed transient profile'],
    [lost('DEPTH_ZERO_SELF_SIGNED_CERT'), 'connecting', 'tlsUntrusted permanent profile'],
    [lost('ERR_TLS_CERT_ALTNAME_INVALID'), 'connecting', 'tlsUntrusted permanent profile'],
    [lost('CERT_HAS_EXPIRED'), 'connecting', 'tlsUntrusted permanent profile'],
    [lost('ETIMEDOUT'), 'connecting', 'timedOut transient profile'],
    [new ConnectionLost(), 'authenticating', 'connectFailed transient profile'],
    [new ConnectionLost(), 'established', 'serverError transient mailbox'],
    [new Pop3Refusal('[SYS/TEMP] at the door'), 'connecting', 'serverError transient profile'],
    [new Pop3Refusal('[SYS/TEMP] later in the session'), 'established', 'serverError transient mailbox'],
  ] as const)('%o while %s is %s', (error, phase, expected) => {
    expect(summary(error, phase)).toBe(expected);
  });
});

it('shows what a server says without what could break a page', () => {
  const { detail } = classifyPop3Error(new Pop3Refusal('bad\u0000 \u001b[31mpassword'), 'authenticating').fault;
  expect(detail).toBe('The server answered the login: bad   [31mpassword');
});
