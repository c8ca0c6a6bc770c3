import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

const contexts = new Map<string, SecureContext>();
const keptContexts = 50;

/**
 * Trusts the well-known certificate authorities and those in the PEM text besides. Building a context costs
 * milliseconds, so the last used ones are kept; undefined when there is nothing to add. A PEM text that cannot be read
 * throws what the TLS library says.
 */
export const trustingContext = (caCertificates: string | null): SecureContext | undefined => {
  if (caCertificates === null) return undefined;
  const known = contexts.get(caCertificates);
  if (known !== undefined) return known;
  const context = createSecureContext({ ca: [...rootCertificates, caCertificates] });
  const [oldest] = contexts.keys();
  if (contexts.size >= keptContexts && oldest !== undefined) contexts.delete(oldest);
  contexts.set(caCertificates, context);
  return context;
};
