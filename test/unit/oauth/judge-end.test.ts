import { describe, expect, it } from 'vitest';
import { judgeEnd } from '../../../shared/oauth/judge-end.ts';

const now = 1_000_000;
const judge = (
  ended: 'expired' | 'revoked' | undefined,
  grant: { readonly refreshEndsAt?: number; readonly uncertain?: boolean } = {},
  refusedToken = false,
) => judgeEnd({ refusal: { message: 'invalid_grant', ended }, grant, refusedToken, now });

describe('the end of a connection', () => {
  it('is what the issuer says that it is', () => {
    expect(judge('revoked', { refreshEndsAt: now - 1 }).status).toBe('revoked');
    expect(judge('expired', {}, true).status).toBe('expired');
  });

  it('is an expiry when the time that the issuer named has passed', () => {
    expect(judge(undefined, { refreshEndsAt: now }, true).status).toBe('expired');
  });

  it('is a revocation when the mail server refused a token before its time', () => {
    expect(judge(undefined, { refreshEndsAt: now + 1 }, true).status).toBe('revoked');
    expect(judge(undefined, {}, true).status).toBe('revoked');
  });

  it('is an expiry where nothing tells', () => {
    expect(judge(undefined).status).toBe('expired');
  });

  it('may be the fault of an answer that was lost, and says so', () => {
    expect(judge(undefined, { uncertain: true }).fault.cause).toContain('lost on its way');
    expect(judge('revoked', { uncertain: true }).fault.cause).toBeUndefined();
  });
});
