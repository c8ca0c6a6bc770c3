import { describe, expect, it } from 'vitest';
import { chooseOAuthMechanism, oauthResponse } from '../../../shared/transport/oauth-login.ts';
import { readMechanisms } from '../../../shared/transport/smtp/token-login.ts';

const textOf = (...args: Parameters<typeof oauthResponse>): string =>
  Buffer.from(oauthResponse(...args), 'base64').toString();

describe('an access token as a login', () => {
  const login = { username: 'user@example.com', accessToken: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==' };

  it('is written as RFC 7628 has it', () => {
    expect(textOf('OAUTHBEARER', login)).toBe(
      'n,a=user@example.com,\u0001auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u0001\u0001',
    );
  });

  it('is written as XOAUTH2 has it', () => {
    expect(textOf('XOAUTH2', login)).toBe(
      'user=user@example.com\u0001auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u0001\u0001',
    );
  });

  it('cannot be ended by a name', () => {
    expect(textOf('OAUTHBEARER', { ...login, username: 'a,b=c@example.com' })).toContain('n,a=a=2Cb=3Dc@example.com,');
  });

  it('goes by the standard where both ways are offered, and by none that is not', () => {
    expect(chooseOAuthMechanism(new Set(['PLAIN', 'XOAUTH2', 'OAUTHBEARER']))).toBe('OAUTHBEARER');
    expect(chooseOAuthMechanism(new Set(['PLAIN', 'XOAUTH2']))).toBe('XOAUTH2');
    expect(chooseOAuthMechanism(new Set(['PLAIN']))).toBeUndefined();
  });

  it.each([
    ['250-mail.example\r\n250-AUTH PLAIN xoauth2\r\n250 SIZE 1', ['PLAIN', 'XOAUTH2']],
    ['250-mail.example\r\n250 AUTH=LOGIN', ['LOGIN']],
    ['250 2.1.0 Ok', undefined],
    ['220 AUTH smtp.example', undefined],
  ])('reads what %j offers', (reply, expected) => {
    const found = readMechanisms(reply);
    expect(found === undefined ? undefined : [...found]).toEqual(expected);
  });
});
