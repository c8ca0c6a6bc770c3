/** Who the hub is at an authorization server, and what it asks for. */
export interface OAuthClient {
  /** The issuer's identifier, an absolute URL. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, which has none. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  /** What is said besides at the authorization endpoint, as this issuer wants it. */
  readonly authorizationParameters: Readonly<Record<string, string>>;
  /** The issuer names itself per tenant, with a placeholder in what it publishes for all of them. */
  readonly perTenant: boolean;
  /** Claims that name the account, the first that is there. */
  readonly accountClaims: readonly string[];
  /** PEM text of further certificate authorities to trust. */
  readonly caCertificates: string | null;
  readonly timeoutSeconds: number;
}

/** What the token endpoint gave. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Absent where the one that was used goes on. */
  readonly refreshToken: string | undefined;
  readonly expiresInSeconds: number;
  /** When the issuer says that the refresh token ends. */
  readonly refreshExpiresInSeconds: number | undefined;
  /** As granted; undefined when they are those that were asked for. */
  readonly scopes: readonly string[] | undefined;
}

/** The issuer will not give tokens for this grant any more, whatever the hub does. */
export class GrantRefused extends Error {
  /** What the issuer's words say of how it ended. */
  readonly ended: 'expired' | 'revoked' | undefined;

  constructor(detail: string, ended: 'expired' | 'revoked' | undefined) {
    super(detail);
    this.name = 'GrantRefused';
    this.ended = ended;
  }
}
