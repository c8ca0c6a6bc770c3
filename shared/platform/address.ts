import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import * as z from 'zod';

// RFC 5321 4.5.3.1: 64 octets before the @ and 254 in all.
const localPartLimit = 64;
const addressLimit = 254;

// RFC 5322 3.2.3 atext with the UTF-8 of RFC 6531.
const dotAtom = /^[\p{L}\p{N}\p{M}\p{So}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}\p{So}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const quotedString = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"$/u;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
// What may stand in a domain before it is turned into ASCII; the URL parser would otherwise decode %41 and the like.
const domainText = /^[\p{L}\p{N}\p{M}.-]+$/u;

const split = (text: string): { readonly local: string; readonly domain: string } | undefined => {
  const at = text.lastIndexOf('@');
  return at < 1 ? undefined : { local: text.slice(0, at), domain: text.slice(at + 1) };
};

// Such a domain is its own ASCII form; a last label of letters keeps it from being read as an address.
const plainDomain = /^(?:(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*(?!xn--)[a-z]+$/;

const asciiDomain = (domain: string): string => {
  if (plainDomain.test(domain)) return domain;
  return domainText.test(domain) ? domainToASCII(domain) : '';
};

const isDomain = (domain: string): boolean => {
  if (domain.startsWith('[') && domain.endsWith(']')) {
    const literal = domain.slice(1, -1);
    return isIPv4(literal) || (/^ipv6:/i.test(literal) && isIPv6(literal.slice(5)));
  }
  const labels = asciiDomain(domain).split('.');
  // A last label of digits only would be an address, not a name.
  return labels.every((one) => label.test(one)) && !/^\d+$/.test(labels.at(-1) ?? '');
};

/** Whether the text is an address of RFC 5321 (with RFC 6531's letters), without display name. */
export const isAddress = (text: string): boolean => {
  const parts = split(text);
  return (
    parts !== undefined &&
    Buffer.byteLength(text) <= addressLimit &&
    Buffer.byteLength(parts.local) <= localPartLimit &&
    (dotAtom.test(parts.local) || quotedString.test(parts.local)) &&
    isDomain(parts.domain)
  );
};

/**
 * The form in which addresses are compared: lower case, the domain in ASCII (IDN as punycode). Takes any text, since
 * incoming mail names all sorts of things as addresses; equal forms mean the same address.
 */
export const normalizeAddress = (text: string): string => {
  // Again, since some letters are one character with their mark in small letters only: "H̱" becomes "ẖ".
  const lower = text.trim().normalize('NFC').toLowerCase().normalize('NFC');
  const parts = split(lower);
  if (parts === undefined) return lower;
  const ascii = asciiDomain(parts.domain);
  return `${parts.local}@${ascii === '' ? parts.domain : ascii}`;
};

/**
 * The address that mail with a detail behind a plus goes to (RFC 5233): of `anna+news@contoso.example` that is
 * `anna@contoso.example`. Undefined where there is no detail.
 */
export const withoutSubaddress = (text: string): string | undefined => {
  const parts = split(text.trim());
  const plus = parts?.local.indexOf('+') ?? -1;
  return parts === undefined || plus < 1 ? undefined : `${parts.local.slice(0, plus)}@${parts.domain}`;
};

/** An address as given; compare by normalizeAddress. */
export const addressSchema = z
  .string()
  .max(addressLimit)
  .refine(isAddress, 'an email address such as anna@contoso.example');
