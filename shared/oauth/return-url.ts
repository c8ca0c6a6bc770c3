const loopback = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/** Whether a browser may be sent back to the address: https, or a program on the user's own machine. */
export const isReturnUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (`${username}${password}${hash}` !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname));
};

/**
 * Whether one of the allowed addresses is this one, or leads to it: same origin, and the path is the same or below. An
 * allowed address with a query allows that query only.
 */
export const isAllowedReturnUrl = (text: string, allowed: readonly string[]): boolean => {
  if (!isReturnUrl(text)) return false;
  const url = new URL(text);
  return allowed.some((entry) => {
    if (!isReturnUrl(entry)) return false;
    const { origin, pathname, search } = new URL(entry);
    if (url.origin !== origin) return false;
    if (search !== '') return url.pathname === pathname && url.search === search;
    const folder = pathname.endsWith('/') ? pathname : `${pathname}/`;
    return url.pathname === pathname || url.pathname.startsWith(folder);
  });
};

/** Where a browser goes at the end of a sign-in. */
export const returnTo = (returnUrl: string, outcome: { readonly status: string; readonly code?: string }): string => {
  const url = new URL(returnUrl);
  url.searchParams.set('status', outcome.status);
  url.searchParams.delete('code');
  if (outcome.code !== undefined) url.searchParams.set('code', outcome.code);
  return url.href;
};
