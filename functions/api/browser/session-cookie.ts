import type { ApiRequest } from '../request.ts';

const isSecure = (hubUrl: string): boolean => new URL(hubUrl).protocol === 'https:';

/**
 * The prefix has browsers take the cookie from this host alone, by HTTPS, for every path. A hub without HTTPS is one on a
 * person's own machine, where hosts share their cookies over all ports: the name keeps two of them apart.
 */
const nameOf = (name: string, hubUrl: string): string => {
  const { port } = new URL(hubUrl);
  return isSecure(hubUrl) ? `__Host-${name}` : `${name}-${port === '' ? '80' : port}`;
};

/**
 * Strict: a browser that another site sends to the console comes without it, and the console, whose page needs none, asks
 * the hub with it.
 */
const attributesOf = (hubUrl: string): string =>
  `Path=/; HttpOnly; SameSite=Strict${isSecure(hubUrl) ? '; Secure' : ''}`;

const setCookie = (name: string, hubUrl: string, value: string, seconds: number): string =>
  `${nameOf(name, hubUrl)}=${value}; Max-Age=${Math.max(0, Math.floor(seconds))}; ${attributesOf(hubUrl)}`;

const session = 'mailbox-sync-session';
const pendingSignIn = 'mailbox-sync-sign-in';

export const sessionCookieName = (hubUrl: string): string => nameOf(session, hubUrl);

/** Set-Cookie for somebody who is signed in now; it ends with the session. */
export const sessionCookie = (hubUrl: string, token: string, expiresAt: string, now: Date): string =>
  setCookie(session, hubUrl, token, (Date.parse(expiresAt) - now.getTime()) / 1000);

export const clearedSessionCookie = (hubUrl: string): string => setCookie(session, hubUrl, '', 0);

export const readPendingSignIn = (hubUrl: string, cookies: ApiRequest['cookies']): string | undefined =>
  cookies.get(nameOf(pendingSignIn, hubUrl));

/** Set-Cookie for a sign-in that goes on at the identity provider. */
export const pendingSignInCookie = (hubUrl: string, pending: string, seconds: number): string =>
  setCookie(pendingSignIn, hubUrl, pending, seconds);

export const clearedPendingSignIn = (hubUrl: string): string => setCookie(pendingSignIn, hubUrl, '', 0);
