import type { Answer, ApiHarness, Client } from '../api-harness.ts';

export const codeOf = (signInUrl: string): string =>
  new URLSearchParams(new URL(signInUrl).hash.slice(1)).get('code') ?? '';

/** What the page behind a link does with its code. */
export const redeem = (
  hub: Pick<ApiHarness, 'client'>,
  signInUrl: string,
  attempt: string = crypto.randomUUID(),
): Promise<Answer> => hub.client(null)('POST', '/v1/sign-in/link', { body: { code: codeOf(signInUrl), attempt } });

/** Follows a link to the console: asks the hub as its page does from then on. */
export const openLink = async (hub: Pick<ApiHarness, 'client'>, signInUrl: string): Promise<Client> => {
  const { status, body } = await redeem(hub, signInUrl);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return hub.client(body.token);
};
