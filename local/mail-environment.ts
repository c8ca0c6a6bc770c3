/** A mail user of the local servers. */
export type MailUser = { readonly address: string; readonly username: string; readonly password: string };

/** Where a client connects. */
export type MailEndpoint = {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'startTls';
};

/** The ports of the local mail servers, all on 127.0.0.1. */
export type MailServerPorts = {
  /** IMAP over TLS. */
  readonly imap: number;
  readonly imapStartTls: number;
  /** POP3 over TLS. */
  readonly pop3: number;
  readonly pop3StartTls: number;
  /** Submission over TLS, by Postfix. */
  readonly submission: number;
  readonly submissionStartTls: number;
  /** Submission by Dovecot, which knows fewer rules than Postfix: another server's behaviour to try clients with. */
  readonly dovecotSubmissionStartTls: number;
  /** Takes mail from outside for the demo users, without login. */
  readonly mx: number;
  /** Between Postfix and Dovecot. */
  readonly lmtp: number;
  readonly sasl: number;
};

/** What a client must know of the local mail servers. */
export type MailEnvironment = {
  /** The domain of the numbered demo users. */
  readonly domain: string;
  /** PEM of the authority that signed the servers' certificate. */
  readonly caCertificate: string;
  readonly users: readonly MailUser[];
  readonly imap: MailEndpoint;
  readonly imapStartTls: MailEndpoint;
  readonly pop3: MailEndpoint;
  readonly pop3StartTls: MailEndpoint;
  readonly submission: MailEndpoint;
  readonly submissionStartTls: MailEndpoint;
  readonly dovecotSubmissionStartTls: MailEndpoint;
  readonly mx: { readonly host: string; readonly port: number };
};

/** Domain of the numbered demo users. */
export const demoDomain = 'example.test';
/** The company of the worked example; Anna and Ben work there. */
export const companyDomain = 'contoso.example';
/** Its client; Carl and Clara write from there. */
export const clientDomain = 'client.example';
/** Mail to this domain is refused with 450 each time. */
export const deferredDomain = 'defer.test';
/** Mail to this domain is accepted, then comes back as a delivery status notification. */
export const bounceDomain = 'bounce.test';

const numberedUsers = 40;

/** The demo users: user1@example.test to user40@example.test, and the people of the worked example. */
export const demoAddresses: readonly string[] = [
  ...Array.from({ length: numberedUsers }, (_, index) => `user${index + 1}@${demoDomain}`),
  `anna@${companyDomain}`,
  `ben@${companyDomain}`,
  `carl@${clientDomain}`,
  `clara@${clientDomain}`,
];
