import { FaultError } from '../../../shared/platform/fault.ts';
import type { ApiRequest } from '../request.ts';

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * What a browser says of the page behind a request, and no script can say otherwise. `none`: no page at all, an address
 * that somebody typed.
 */
const isOwnPage = ({ method, headers }: ApiRequest, hubUrl: string): boolean => {
  const site = headers['sec-fetch-site'];
  const isRead = safeMethods.has(method);
  if (site !== undefined) return site === 'same-origin' || (isRead && site === 'none');
  // Browsers from before 2023 name the origin of what writes; of a read they may say nothing.
  const { origin } = headers;
  return origin === undefined ? isRead : origin === new URL(hubUrl).origin;
};

/**
 * Cookies come with a request whoever made the browser send it. SameSite keeps them from other sites already; this also
 * keeps sister domains of the hub's out, and browsers that know no SameSite.
 *
 * @throws FaultError forbidden
 */
export const requireSameOrigin = (request: ApiRequest, hubUrl: string): void => {
  if (isOwnPage(request, hubUrl)) return;
  throw new FaultError('forbidden', {
    detail: 'Only pages of the hub itself may use the cookie of a session',
    cause: 'The request came from a page of another site, or from no page',
    fix: 'Send Authorization: Bearer with the token of a session or a key',
  });
};
