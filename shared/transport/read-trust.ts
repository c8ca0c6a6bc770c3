import type { SecureContext } from 'node:tls';
import { trustingContext } from './secure-context.ts';
import { TransportError } from './transport-error.ts';

/**
 * The certificate authorities of a profile, as a fault of the profile where they cannot be read.
 *
 * @throws TransportError tlsUntrusted
 */
export const readTrust = (caCertificates: string | null): SecureContext | undefined => {
  try {
    return trustingContext(caCertificates);
  } catch (error) {
    throw new TransportError('tlsUntrusted', {
      class: 'permanent',
      level: 'profile',
      cause: 'caCertificates of the profile cannot be read as PEM certificates',
      fix: 'Correct caCertificates of the profile',
      error,
    });
  }
};
