/** What is said to a server to log in. `none`: the server takes connections without a login. */
export type Login =
  | { readonly authentication: 'password'; readonly username: string; readonly password: string }
  | { readonly authentication: 'oauth2'; readonly username: string; readonly accessToken: string }
  | { readonly authentication: 'none' };

/** Access tokens of one login; they are short-lived, so each connection asks for one. */
export interface AccessTokens {
  /** @throws TransportError */
  current(): Promise<string>;
  /** Another token in the place of one that the mail server refused. @throws TransportError */
  renew(refused: string): Promise<string>;
}

/** What a login is made from. */
export type Credentials =
  | Exclude<Login, { readonly authentication: 'oauth2' }>
  | { readonly authentication: 'oauth2'; readonly username: string; readonly tokens: AccessTokens };

/** What an attempt to open a session has behind it, for showing where it ended. */
export type ConnectionStep = 'resolve' | 'connect' | 'tls' | 'authenticate';

/** Where and how to connect; host and port as the profile names them, checked by the dialler at connect time. */
export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'startTls' | 'none';
  /** PEM text of further certificate authorities to trust. */
  readonly caCertificates: string | null;
  /** For connecting, greeting and each answer. */
  readonly timeoutSeconds: number;
}

/**
 * The one way out of the system for every socket: resolves the name, refuses addresses that may not be connected to,
 * and pins the address, so that a name cannot change its meaning between check and connect.
 */
export interface Dialler {
  /** @throws TransportError hostNotAllowed, connectFailed, timedOut */
  resolve(host: string, timeoutSeconds: number): Promise<{ readonly address: string; readonly serverName: string }>;
}
