/** How an access token is shown to a mail server: RFC 7628, and XOAUTH2 that came before it. */
export type OAuthMechanism = 'OAUTHBEARER' | 'XOAUTH2';

/** The mechanism to use of those that a server offers; undefined when it takes no tokens. */
export const chooseOAuthMechanism = (offered: ReadonlySet<string>): OAuthMechanism | undefined =>
  (['OAUTHBEARER', 'XOAUTH2'] as const).find((mechanism) => offered.has(mechanism));

/** The first and only message of the client, in base64. */
export const oauthResponse = (
  mechanism: OAuthMechanism,
  login: { readonly username: string; readonly accessToken: string },
): string => {
  // RFC 5801 section 4: what would end the name early is written otherwise.
  const name = login.username.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const start = mechanism === 'OAUTHBEARER' ? `n,a=${name},` : `user=${login.username}`;
  return Buffer.from(`${start}\u0001auth=Bearer ${login.accessToken}\u0001\u0001`).toString('base64');
};

/** What is sent when a server explains why it refuses, so that the refusal itself comes (RFC 7628 section 3.2.3). */
export const oauthAcknowledgement: Readonly<Record<OAuthMechanism, string>> = { OAUTHBEARER: 'AQ==', XOAUTH2: '' };
