import { describe, expect, it } from 'vitest';
import { toEmulatorPath } from '../../../local/front.ts';

const stage = '/_aws/execute-api/abc/$default';

describe('the path of the hub at the emulator', () => {
  it.each([
    ['/v1/health', '/v1/health'],
    ['/', '/'],
    ['/v1/feed?cursor=0&types=email.*,alert.raised', '/v1/feed?cursor=0&types=email.*,alert.raised'],
    ['/v1/users/ext:a%20b%C3%BC', '/v1/users/ext:a%20b%C3%BC'],
    ['/v1/users/ext%3Au-17', '/v1/users/ext%3Au-17'],
    ['/v1/users/ext:a%2Fb%2fc%25', '/v1/users/ext:a%2Fb%2fc%25'],
  ])('leaves %s as it is written', (hubPath, expected) => {
    expect(toEmulatorPath(stage, hubPath)).toBe(`${stage}${expected}`);
  });

  it('leaves escaped slashes and question marks of the query alone', () => {
    expect(toEmulatorPath(stage, '/v1/emails?a=x%2Fy?z')).toBe(`${stage}/v1/emails?a=x%2Fy?z`);
  });
});
