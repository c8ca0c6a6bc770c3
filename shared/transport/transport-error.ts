import { createFault, type Fault, type FaultDetails } from '../platform/fault.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';

/** What servers and logins can be at fault for. */
export const transportErrorCodes = [
  'authenticationFailed',
  'oauthExpired',
  'oauthRevoked',
  'mailboxNotFound',
  'tlsUntrusted',
  'accessDenied',
  'protocolUnsupported',
  'hostNotAllowed',
  'connectFailed',
  'timedOut',
  'connectionLimit',
  'throttled',
  'serverError',
  'mailboxFull',
  'quotaReached',
  'uidValidityUnstable',
] as const satisfies readonly FaultCode[];
export type TransportErrorCode = (typeof transportErrorCodes)[number];

/**
 * permanent: trying again cannot help · refused: the server says that the credential is wrong · transient: try again
 * on the retry rule · throttled: the server asks to come back, never a strike against the mailbox.
 */
export type TransportErrorClass = 'permanent' | 'refused' | 'transient' | 'throttled';

/** A server or a login failed. `level` tells whose fault it is: the whole profile's (host, TLS, network) or this login's. */
export class TransportError extends Error {
  readonly fault: Fault;
  readonly class: TransportErrorClass;
  readonly level: 'mailbox' | 'profile';
  /** When the server said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: TransportErrorCode,
    options: FaultDetails & {
      readonly class: TransportErrorClass;
      readonly level: 'mailbox' | 'profile';
      readonly retryAfterSeconds?: number;
      readonly error?: unknown;
    },
  ) {
    super(options.detail ?? code, options.error === undefined ? {} : { cause: options.error });
    this.name = 'TransportError';
    this.fault = createFault(code, options);
    this.class = options.class;
    this.level = options.level;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
