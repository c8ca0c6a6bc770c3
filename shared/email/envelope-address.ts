import { domainToASCII } from 'node:url';

const asciiOf = (domain: string): string => (domain.startsWith('[') ? domain : domainToASCII(domain) || domain);

/** The domain of an address as it travels: an internationalized one as punycode (RFC 5891). */
export const domainOf = (address: string): string => asciiOf(address.slice(address.lastIndexOf('@') + 1));

/** The address as MAIL and RCPT take it: the local part as given, since only its server knows whether case matters. */
export const toEnvelopeAddress = (address: string): string => {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, at)}@${domainOf(address)}`;
};
