import * as z from 'zod';
import { showWords } from '../server-words.ts';
import { TransportError } from '../transport-error.ts';
import { GrantRefused } from './oauth-client.ts';

const errorSchema = z.object({
  message: z.string().catch(''),
  /** The code of RFC 6749 section 5.2. */
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  status: z.number().optional().catch(undefined),
  response: z.instanceof(Response).optional().catch(undefined),
  cause: z.unknown().optional(),
});

/** A person has to sign in again: the grant is gone, or does not suffice any more. */
const grantEnded = new Set(['invalid_grant', 'interaction_required', 'login_required', 'consent_required']);
const clientRefused = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'invalid_request',
]);
/** Microsoft's numbers: a changed password, a blocked user, another factor asked for, lost consent. */
const microsoftRevoked = /AADSTS(?:50173|50057|50076|50079|65001)\b/;
const microsoftExpired = /AADSTS(?:70008|70043|700082|700084)\b/;
const saysRevoked = /revoked|withdrawn/i;
const saysExpired = /expired|inactiv/i;

const readEnd = (words: string): 'expired' | 'revoked' | undefined => {
  if (microsoftRevoked.test(words)) return 'revoked';
  if (microsoftExpired.test(words)) return 'expired';
  const revoked = saysRevoked.test(words);
  // "Token has been expired or revoked" says neither.
  if (revoked === saysExpired.test(words)) return undefined;
  return revoked ? 'revoked' : 'expired';
};

const readRetryAfter = (response: Response | undefined): number | undefined => {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
};

/**
 * Turns what the OAuth library throws into what the system acts on. The library's error itself goes no further: it may
 * hold the answer, and with it tokens.
 */
export const classifyOAuthError = (error: unknown, issuer: string): TransportError | GrantRefused => {
  if (error instanceof TransportError || error instanceof GrantRefused) return error;
  const parsed = errorSchema.safeParse(error);
  const failure = parsed.success ? parsed.data : { message: 'unknown error' };
  const response = failure.response ?? (failure.cause instanceof Response ? failure.cause : undefined);
  const status = failure.status ?? response?.status;
  const host = URL.canParse(issuer) ? new URL(issuer).host : issuer;
  const words = showWords([failure.error, failure.error_description].filter((text) => text !== undefined).join(': '));
  const detail = `The authorization server ${host} answered: ${words === '' ? `status ${status ?? 'unknown'}` : words}`;
  if (status === 429) {
    const retryAfterSeconds = readRetryAfter(response);
    return new TransportError('throttled', {
      class: 'throttled',
      level: 'mailbox',
      detail,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
  if (status !== undefined && status >= 500)
    return new TransportError('serverError', { class: 'transient', level: 'profile', detail });
  const code = failure.error ?? '';
  if (grantEnded.has(code)) return new GrantRefused(detail, readEnd(words));
  if (code === 'access_denied')
    return new TransportError('accessDenied', { class: 'permanent', level: 'mailbox', detail });
  // RFC 6749 section 5.2: a client that showed its secret in a header is refused by a challenge.
  if (clientRefused.has(code) || (code === '' && status === 401))
    return new TransportError('authenticationFailed', {
      class: 'permanent',
      level: 'profile',
      detail,
      cause: 'The authorization server refuses the client of the server profile, or what it asks for',
      fix: 'Correct clientId, clientSecret and scopes of the server profile',
    });
  if (code !== '' || (status !== undefined && status >= 400))
    return new TransportError('serverError', { class: 'transient', level: 'profile', detail });
  return new TransportError('protocolUnsupported', {
    class: 'permanent',
    level: 'profile',
    detail: `The authorization server ${host} does not answer as OpenID Connect has it: ${showWords(failure.message)}`,
    fix: 'Correct the issuer of the server profile, or ask its operator',
  });
};
