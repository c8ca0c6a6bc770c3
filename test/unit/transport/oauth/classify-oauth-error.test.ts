import { describe, expect, it } from 'vitest';
import { classifyOAuthError } from '../../../../shared/transport/oauth/classify-oauth-error.ts';
import { GrantRefused } from '../../../../shared/transport/oauth/oauth-client.ts';
import { TransportError } from '../../../../shared/transport/transport-error.ts';

const issuer = 'https://login.example/realm';
/** As the library throws it for an answer with an error of RFC 6749. */
const answered = (error: string, description?: string, status = 400) =>
  Object.assign(new Error('server responded with an error in the response body'), {
    error,
    status,
    ...(description === undefined ? {} : { error_description: description }),
    cause: { error, access_token: 's3cret' },
  });
/** As it throws it for an answer of another form. */
const unexpected = (status: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error('"response" is not a conform Token Endpoint response'), {
    code: 'OAUTH_RESPONSE_IS_NOT_CONFORM',
    cause: new Response('s3cret', { status, headers }),
  });

const classify = (error: unknown) => {
  const found = classifyOAuthError(error, issuer);
  return found instanceof TransportError ? [found.fault.code, found.class, found.level] : ['grantRefused', found.ended];
};

describe('an error of an authorization server', () => {
  it.each([
    ['invalid_grant', undefined, undefined],
    ['invalid_grant', 'Token has been expired or revoked.', undefined],
    ['invalid_grant', 'Token has been revoked.', 'revoked'],
    ['invalid_grant', 'AADSTS700082: The refresh token has expired due to inactivity.', 'expired'],
    ['invalid_grant', 'AADSTS50173: The provided grant has expired due to it being revoked', 'revoked'],
    ['invalid_grant', 'AADSTS65001: The user or administrator has not consented', 'revoked'],
    ['interaction_required', 'AADSTS50076: multi-factor authentication is required', 'revoked'],
    ['consent_required', undefined, undefined],
  ])('%s (%s) ends the grant: %s', (error, description, ended) => {
    const found = classifyOAuthError(answered(error, description), issuer);

    expect(found).toBeInstanceOf(GrantRefused);
    expect((found as GrantRefused).ended).toBe(ended);
  });

  it.each([
    [answered('invalid_client', undefined, 401), ['authenticationFailed', 'permanent', 'profile']],
    [answered('invalid_scope'), ['authenticationFailed', 'permanent', 'profile']],
    [answered('access_denied'), ['accessDenied', 'permanent', 'mailbox']],
    [answered('temporarily_unavailable'), ['serverError', 'transient', 'profile']],
    [answered('server_error', undefined, 500), ['serverError', 'transient', 'profile']],
    [answered('slow_down', undefined, 429), ['throttled', 'throttled', 'mailbox']],
    [unexpected(503), ['serverError', 'transient', 'profile']],
    [unexpected(429), ['throttled', 'throttled', 'mailbox']],
    [unexpected(401), ['authenticationFailed', 'permanent', 'profile']],
    [unexpected(404), ['serverError', 'transient', 'profile']],
    [new Error('unexpected JWT "iss" (issuer) claim value'), ['protocolUnsupported', 'permanent', 'profile']],
  ])('%s is told as %s', (error, expected) => {
    expect(classify(error)).toEqual(expected);
  });

  it('waits as long as the server asks', () => {
    const found = classifyOAuthError(unexpected(429, { 'retry-after': '120' }), issuer);

    expect(found).toMatchObject({ retryAfterSeconds: 120 });
  });

  it('carries nothing of the answer but its words', () => {
    for (const error of [answered('invalid_grant', 'gone'), answered('server_error'), unexpected(503)]) {
      const found = classifyOAuthError(error, issuer);
      expect(JSON.stringify([found, found.message, found.stack, found.cause])).not.toContain('s3cret');
    }
  });
});
