/** Codes of the TLS library when a certificate does not stand up to the check. */
export const untrustedCertificate =
  /^(?:CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;
/** Its codes when the two sides do not come to an understanding. */
export const handshakeFailed = /^(?:EPROTO|ERR_SSL_)/;

/** What went wrong, out of the TLS library's own line of codes, addresses and files. */
export const reasonOf = (message: string): string => /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message;
