/** What is known of providers, so that nobody has to look it up. */
interface EndpointPreset {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'startTls';
}

export const gmailEndpoints: Readonly<Record<'incoming' | 'outgoing', EndpointPreset>> = {
  incoming: { host: 'imap.gmail.com', port: 993, security: 'tls' },
  outgoing: { host: 'smtp.gmail.com', port: 465, security: 'tls' },
};

export const googleIssuer = 'https://accounts.google.com';

const microsoftOrigin = 'https://login.microsoftonline.com';

/** @param tenantId an id, or a domain of the tenant */
export const microsoftIssuer = (tenantId: string): string => `${microsoftOrigin}/${tenantId}/v2.0`;

/** An issuer, and how it differs from others. */
export interface IssuerPreset {
  readonly scopes: readonly string[];
  /** For tokens of the application itself; null: the issuer gives none of use. */
  readonly applicationScopes: readonly string[] | null;
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly perTenant: boolean;
  readonly accountClaims: readonly string[];
}

const google: IssuerPreset = {
  scopes: ['openid', 'email', 'https://mail.google.com/'],
  applicationScopes: null,
  // Without both, an account that signed in before gets no refresh token.
  authorizationParameters: { access_type: 'offline', prompt: 'consent' },
  perTenant: false,
  accountClaims: ['email'],
};

const outlook = 'https://outlook.office.com';

const microsoft: IssuerPreset = {
  scopes: [
    'openid',
    'email',
    'profile',
    'offline_access',
    `${outlook}/IMAP.AccessAsUser.All`,
    `${outlook}/POP.AccessAsUser.All`,
    `${outlook}/SMTP.Send`,
  ],
  applicationScopes: ['https://outlook.office365.com/.default'],
  // To ask for consent would lock out users of tenants whose administrator has given it for them.
  authorizationParameters: {},
  perTenant: true,
  // Anyone may set the address in "email"; the name to sign in with is the tenant's.
  accountClaims: ['preferred_username', 'upn', 'email'],
};

const general: IssuerPreset = {
  scopes: ['openid', 'email', 'offline_access'],
  applicationScopes: [],
  // OpenID Connect Core section 11: offline_access may be ignored without it.
  authorizationParameters: { prompt: 'consent' },
  perTenant: false,
  accountClaims: ['email', 'preferred_username', 'upn'],
};

export const presetOf = (issuer: string): IssuerPreset => {
  if (issuer === googleIssuer) return google;
  return issuer.startsWith(`${microsoftOrigin}/`) ? microsoft : general;
};
