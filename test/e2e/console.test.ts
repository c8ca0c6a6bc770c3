import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { HubClient } from '../support/hub-client.ts';
import { createOrganization } from '../support/organization-setup.ts';

const cloud = inject('localCloud');
let hub: HubClient;

beforeAll(async () => {
  ({ hub } = await createOrganization(cloud, { name: 'Console', kind: 'sandbox' }));
  await hub.put('/users/ext:u-1', { fullName: 'Anna', emailAddress: 'anna.console@example.test' });
});

const createLink = () => hub.post<{ readonly signInUrl: string }>('/sessions', { userId: 'ext:u-1' });

/** What the page of the console asks the hub for. */
const ask = (method: string, path: string, token: string | null, body?: unknown) =>
  fetch(`${cloud.hubUrl}/v1${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe('the console of the deployed stack', () => {
  it('is a page with its script and its style, protected as it leaves the hub', async () => {
    const page = await fetch(cloud.consoleUrl);
    const html = await page.text();

    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const name of ['console.css', 'console.js']) {
      expect(html).toContain(`/console/${name}`);
      const file = await fetch(`${cloud.consoleUrl}/${name}`);
      expect([name, file.status, file.headers.get('x-content-type-options')]).toEqual([name, 200, 'nosniff']);
    }
  });

  it('is opened by a link, kept open by a bearer token and left for good, without a cookie', async () => {
    const { signInUrl } = await createLink();
    expect(signInUrl).toContain(`${cloud.consoleUrl}/sign-in#code=`);
    const code = new URL(signInUrl).hash.slice('#code='.length);
    const redeem = () => ask('POST', '/sign-in/link', null, { code, attempt: crypto.randomUUID() });

    const opened = await redeem();
    const { token } = (await opened.json()) as { readonly token: string };
    const again = await redeem();
    const reads = await ask('GET', '/users/ext:u-1', token);
    const left = await ask('DELETE', '/sessions/current', token);
    const after = await ask('GET', '/users/ext:u-1', token);

    const answers = [opened, again, reads, left, after];
    expect(answers.map(({ status }) => status)).toEqual([200, 410, 200, 204, 401]);
    expect(opened.headers.get('cache-control')).toBe('no-store');
    expect(answers.flatMap(({ headers }) => headers.getSetCookie())).toEqual([]);
  });
});
