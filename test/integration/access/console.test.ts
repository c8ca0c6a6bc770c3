import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../../functions/api/routes/index.ts';
import { type ApiHarness, type Client, startApiHarness } from '../api-harness.ts';

let hub: ApiHarness;
let anybody: Client;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
  anybody = hub.client(null);
});
afterAll(async () => {
  await hub?.stop();
});

const pages = ['/console', '/console/', '/console/sign-in', '/console/sign-in/callback'];

const linksIn = (html: string): string[] =>
  [...html.matchAll(/(?:src|href|action|data|poster)\s*=\s*["']?([^"'\s>]+)/g)].map(([, link = '']) => link);

/** Every file that the page loads, or that one of them loads. */
const loadFiles = async (): Promise<ReadonlyMap<string, string>> => {
  const files = new Map<string, string>();
  const waiting = linksIn((await anybody('GET', '/console')).body).filter((link) => link.startsWith('/'));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    const { status, body } = await anybody('GET', path);
    expect([path, status]).toEqual([path, 200]);
    files.set(path, body);
    for (const [, name = ''] of String(body).matchAll(/from '\.\/([^']+)'/g)) waiting.push(`/console/${name}`);
  }
  return files;
};

describe('the console', () => {
  it.each(pages)(
    '%s is a page that nobody frames, that runs the own files only and tells nobody whence',
    async (path) => {
      const { status, headers, body } = await anybody('GET', path);

      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'strict-transport-security': expect.stringContaining('max-age='),
      });
      const policy = headers['content-security-policy'] ?? '';
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
      ])
        expect(policy.split('; ')).toContain(rule);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(body).toContain('<html lang="en">');
    },
  );

  it('has no script and no style within the page, and nothing from elsewhere', async () => {
    const { body } = await anybody('GET', '/console');

    expect(body).not.toMatch(/<style|\son\w+=|\sstyle=|javascript:/i);
    for (const [, attributes = '', content = ''] of String(body).matchAll(/<script([^>]*)>([^<]*)/g)) {
      expect(attributes).toContain('src="/console/');
      expect(content.trim()).toBe('');
    }
    for (const link of linksIn(body)) expect(link).toMatch(/^(?:\/console\/|#)/);
  });

  it('is made of files that are all there, and turn no text into elements or programs', async () => {
    const files = await loadFiles();
    const scripts = [...files].filter(([path]) => path.endsWith('.js'));

    expect(scripts.length).toBeGreaterThan(3);
    for (const [, text] of scripts)
      expect(text).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage|document\.cookie|indexedDB/,
      );
    expect([...files.values()].join()).not.toMatch(/["'(]https?:\/\//);
  });

  it('is sent once, and asked for again', async () => {
    const { headers } = await anybody('GET', '/console/console.js');
    const again = await anybody('GET', '/console/console.js', { headers: { 'if-none-match': headers['etag'] ?? '' } });

    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    expect([again.status, again.body]).toEqual([304, undefined]);
  });

  it.each([
    '/console/none.js',
    '/console/tsconfig.json',
    '/console/../package.json',
    '/console/%2e%2e%2fpackage.json',
    '/console/__proto__',
    '/console/constructor',
    '/console/sign-in/none',
  ])('has nothing at %s', async (path) => {
    expect((await anybody('GET', path)).status).toBe(404);
  });

  it('is read and nothing else', async () => {
    const { status, headers } = await anybody('POST', '/console/sign-in', { body: { code: 'none' } });

    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});
