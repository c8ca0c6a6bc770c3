import type { Answer, ApiHarness, Client } from '../api-harness.ts';

/** A page of the hub in a browser that has this cookie: what the browser adds by itself to a request of the page. */
export const inBrowser =
  (hub: Pick<ApiHarness, 'client'>, cookie: string): Client =>
  (method, path, call = {}) =>
    hub.client(null)(method, path, {
      ...call,
      headers: { 'sec-fetch-site': 'same-origin', ...(cookie === '' ? {} : { cookie }), ...call.headers },
    });

/** What a browser sends back of the cookies that it was given. */
export const cookieOf = ({ cookies }: Answer): string =>
  cookies
    .map((cookie) => cookie.replace(/;.*/, ''))
    .filter((pair) => !pair.endsWith('='))
    .join('; ');

export const codeOf = (signInUrl: string): string =>
  new URLSearchParams(new URL(signInUrl).hash.slice(1)).get('code') ?? '';

/** What the page behind a link does with its code. */
export const redeem = (
  hub: Pick<ApiHarness, 'client'>,
  signInUrl: string,
  attempt: string = crypto.randomUUID(),
): Promise<Answer> => inBrowser(hub, '')('POST', '/v1/sign-in/link', { body: { code: codeOf(signInUrl), attempt } });

/** Follows a link to the console. */
export const openLink = async (hub: Pick<ApiHarness, 'client'>, signInUrl: string): Promise<Client> => {
  const answer = await redeem(hub, signInUrl);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return inBrowser(hub, cookieOf(answer));
};
