/** What a server offers (CAPA, RFC 2449). */
export interface Pop3Capabilities {
  readonly uidl: boolean;
  readonly top: boolean;
  readonly user: boolean;
  readonly stls: boolean;
  readonly pipelining: boolean;
  /** Refused credentials are told from every other refusal (RFC 3206 section 6). */
  readonly authResponseCode: boolean;
  /** In upper case. */
  readonly mechanisms: ReadonlySet<string>;
  /** How far apart logins must be. */
  readonly loginDelaySeconds: number | undefined;
}

/** Of a server that does not know the command everything is tried that RFC 1939 has. */
export const unknownCapabilities: Pop3Capabilities = {
  uidl: true,
  top: true,
  user: true,
  stls: true,
  pipelining: false,
  authResponseCode: false,
  mechanisms: new Set(),
  loginDelaySeconds: undefined,
};

export const parseCapabilities = (lines: readonly string[]): Pop3Capabilities => {
  const offered = new Map(
    lines.map((line) => {
      const [name = '', ...values] = line.trim().toUpperCase().split(/\s+/);
      return [name, values] as const;
    }),
  );
  const delay = Number.parseInt(offered.get('LOGIN-DELAY')?.[0] ?? '', 10);
  return {
    uidl: offered.has('UIDL'),
    top: offered.has('TOP'),
    user: offered.has('USER'),
    stls: offered.has('STLS'),
    pipelining: offered.has('PIPELINING'),
    authResponseCode: offered.has('AUTH-RESP-CODE'),
    mechanisms: new Set(offered.get('SASL') ?? []),
    loginDelaySeconds: Number.isNaN(delay) || delay < 1 ? undefined : delay,
  };
};
