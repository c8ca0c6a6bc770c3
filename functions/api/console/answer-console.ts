import { FaultError } from '../../../shared/platform/fault.ts';
import { fingerprint } from '../../../shared/platform/identifier.ts';
import type { ApiRequest } from '../request.ts';
import type { RouteAnswer } from '../route.ts';
import { consoleFiles } from './console-files.ts';

const mediaTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** One page for all of them: its script looks at the address, and at who is signed in. */
const pages: ReadonlySet<string> = new Set(['', 'sign-in', 'sign-in/callback']);

/**
 * Nothing but files of the hub runs or is shown, text never becomes a program, nobody frames the page, and where it leads
 * to is not told where it came from.
 */
const protection = (hubUrl: string): Readonly<Record<string, string>> => ({
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  ...(hubUrl.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
});

/**
 * The console: files without anything of anybody in them. Who is signed in and what is shown comes from the public API.
 *
 * @throws FaultError notFound, methodNotAllowed
 */
export const answerConsole = ({ method, segments, headers }: ApiRequest, hubUrl: string): RouteAnswer => {
  const path = segments.slice(1).join('/');
  const name = pages.has(path) ? 'index.html' : path;
  const text = Object.hasOwn(consoleFiles, name) ? consoleFiles[name] : undefined;
  if (text === undefined) throw new FaultError('notFound');
  if (method !== 'GET' && method !== 'HEAD')
    throw new FaultError('methodNotAllowed', { headers: { allow: 'GET, HEAD' } });
  const etag = `"${fingerprint(text).slice(0, 32)}"`;
  const general = { ...protection(hubUrl), 'cache-control': 'no-cache', etag };
  if (headers['if-none-match'] === etag) return { status: 304, headers: general };
  return {
    status: 200,
    body: text,
    headers: { ...general, 'content-type': mediaTypes[name.split('.').at(-1) ?? ''] ?? 'text/plain; charset=utf-8' },
  };
};
