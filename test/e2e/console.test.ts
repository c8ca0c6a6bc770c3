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

/** What the page of the console asks the hub for, with what the browser adds by itself. */
const ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: unknown) =>
  fetch(`${cloud.hubUrl}/v1${path}`, {
    method,
    headers: {
      'sec-fetch-site': 'same-origin',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
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

  it('is opened by a link, kept open by a cookie and left for good', async () => {
    const { signInUrl } = await createLink();
    expect(signInUrl).toContain(`${cloud.consoleUrl}/sign-in#code=`);
    const code = new URL(signInUrl).hash.slice('#code='.length);
    const redeem = () => ask('POST', '/sign-in/link', {}, { code, attempt: crypto.randomUUID() });

    const opened = await redeem();
    const [setCookie = ''] = opened.headers.getSetCookie();
    const cookie = setCookie.replace(/;.*/, '');
    const again = await redeem();
    const reads = await ask('GET', '/users/ext:u-1', { cookie });
    const foreign = await ask(
      'PATCH',
      '/users/ext:u-1',
      { cookie, 'sec-fetch-site': 'cross-site' },
      { filtering: 'all' },
    );
    const left = await ask('DELETE', '/sessions/current', { cookie });
    const after = await ask('GET', '/users/ext:u-1', { cookie });

    expect([opened, again, reads, foreign, left, after].map(({ status }) => status)).toEqual([
      200, 410, 200, 403, 204, 401,
    ]);
    expect(setCookie).toMatch(/HttpOnly; SameSite=Strict/);
    // The local hub has no HTTPS, without which browsers take no cookie that is marked so.
    expect(setCookie).not.toMatch(/Secure|__Host-/);
    expect(left.headers.getSetCookie()[0]).toContain('Max-Age=0');
  });
});
