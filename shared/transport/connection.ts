/** What a login needs. `none`: the server takes connections without one. */
export type Credentials =
  | { readonly authentication: 'password'; readonly username: string; readonly password: string }
  | { readonly authentication: 'none' };

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
