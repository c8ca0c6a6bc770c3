import { googleIssuer, microsoftIssuer } from './provider-presets.ts';

/** The authorization server of a profile, given or known; null when there is none. */
export const issuerOf = ({
  kind,
  credentials,
}: {
  readonly kind: string;
  readonly credentials: { readonly issuer: string | null; readonly tenantId: string | null };
}): string | null => {
  if (credentials.issuer !== null) return credentials.issuer;
  if (credentials.tenantId !== null) return microsoftIssuer(credentials.tenantId);
  return kind === 'gmail' ? googleIssuer : null;
};
