import { describe, expect, it } from 'vitest';
import { isAllowedReturnUrl, isReturnUrl, returnTo } from '../../../shared/oauth/return-url.ts';

describe('an address to return to', () => {
  it.each([
    ['https://crm.example/', true],
    ['https://crm.example:8443/a?b=c', true],
    ['http://localhost:3000/done', true],
    ['http://127.0.0.1/done', true],
    ['http://[::1]:8080/', true],
    ['http://crm.example/', false],
    ['https://me@crm.example/', false],
    ['https://crm.example/#part', false],
    ['javascript:alert(1)', false],
    ['/done', false],
    ['', false],
  ])('%s: %s', (url, expected) => {
    expect(isReturnUrl(url)).toBe(expected);
  });

  it.each([
    ['https://crm.example/app', 'https://crm.example/app', true],
    ['https://crm.example/app', 'https://crm.example/app?tab=1', true],
    ['https://crm.example/app', 'https://crm.example/app/mailboxes', true],
    ['https://crm.example/app/', 'https://crm.example/app/mailboxes', true],
    ['https://crm.example', 'https://crm.example/anything', true],
    ['https://CRM.example/app', 'https://crm.EXAMPLE/app', true],
    ['https://crm.example/app', 'https://crm.example/application', false],
    ['https://crm.example/app', 'https://crm.example/app/../admin', false],
    ['https://crm.example/app', 'https://crm.example/app/%2e%2e/admin', false],
    ['https://crm.example/app/', 'https://crm.example/app', false],
    ['https://crm.example/app', 'https://crm.example:444/app', false],
    ['https://crm.example/app?x=1', 'https://crm.example/app?x=1', true],
    ['https://crm.example/app?x=1', 'https://crm.example/app?x=2', false],
    ['https://crm.example', 'https://crm.example.evil.example/', false],
    ['https://crm.example', 'https://crm.example\\@evil.example/', true],
    ['https://crm.example', 'https://evil.example\\@crm.example/', false],
    ['*', 'https://crm.example/', false],
  ])('allowed %s: %s is %s', (allowed, url, expected) => {
    expect(isAllowedReturnUrl(url, [allowed])).toBe(expected);
  });

  it('keeps its own parameters and gets the outcome', () => {
    expect(returnTo('https://crm.example/done?tab=1&status=x&code=y', { status: 'connected' })).toBe(
      'https://crm.example/done?tab=1&status=connected',
    );
    expect(returnTo('https://crm.example/done', { status: 'failed', code: 'accessDenied' })).toBe(
      'https://crm.example/done?status=failed&code=accessDenied',
    );
  });
});
