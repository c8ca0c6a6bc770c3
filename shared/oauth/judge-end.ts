import type { FaultDetails } from '../platform/fault.ts';
import type { GrantRefused } from '../transport/oauth/oauth-client.ts';
import type { OAuthGrant } from './oauth-grant.ts';

/**
 * Whether a connection expired or was revoked. Issuers have one code for both, so: their words; else the time that they
 * named for the end; else whether the mail server refused a token before its time, which only a revocation explains.
 */
export const judgeEnd = ({
  refusal,
  grant,
  refusedToken,
  now,
}: {
  readonly refusal: Pick<GrantRefused, 'message' | 'ended'>;
  readonly grant: Pick<OAuthGrant, 'refreshEndsAt' | 'uncertain'>;
  /** A token that had not ended was refused. */
  readonly refusedToken: boolean;
  readonly now: number;
}): { readonly status: 'expired' | 'revoked'; readonly fault: FaultDetails } => {
  const pastItsEnd = grant.refreshEndsAt !== undefined && grant.refreshEndsAt <= now;
  const status = refusal.ended ?? (!pastItsEnd && refusedToken ? 'revoked' : 'expired');
  return {
    status,
    fault: {
      detail: refusal.message,
      ...(grant.uncertain === true && refusal.ended === undefined
        ? {
            cause:
              'An answer of the authorization server was lost on its way, and it takes each refresh token once only',
          }
        : {}),
    },
  };
};
