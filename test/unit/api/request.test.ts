import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequest } from '../../../functions/api/request.ts';
import { createRouter } from '../../../functions/api/router.ts';
import { toEvent } from '../../integration/api-harness.ts';
import { oddRoutes } from '../../integration/odd-routes.ts';

const decode = (path: string): string =>
  path.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });

/** What is known to be done to a path before the function sees it. */
const ways: Readonly<Record<string, (path: string) => string>> = {
  'not decoded': (path) => path,
  'decoded but for %25': (path) => path.replace(/(?:%(?!25)[0-9A-Fa-f]{2})+/g, decodeURIComponent),
  // An HTTP API, as it was seen to do: %3F ends the path, %253F is a question mark, %252F a slash.
  'decoded, cut off at a question mark, and decoded again': (path) => decode(decode(path).split('?')[0] ?? ''),
};

const router = createRouter({ test: async () => oddRoutes });

const thingIn = async (rawPath: string): Promise<unknown> => {
  const { method, segments } = readRequest({ ...toEvent('POST', '/', null, {}), rawPath });
  const match = await router(method, segments.slice(1));
  return match.kind === 'found' ? match.parameters['thingId'] : match.kind;
};

const inBase64 = (externalId: string): string => Buffer.from(externalId).toString('base64url');

describe('an externalId in Base64url in a path', () => {
  it.each(Object.entries(ways))(
    'is read as it is meant, whatever it holds, from a path that is %s',
    async (_, handOn) => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
            fc.string({
              minLength: 1,
              maxLength: 30,
              unit: fc.constantFrom('%', '?', '/', '#', '.', '+', '2', '5', 'F'),
            }),
            fc.constantFrom('https://crm.example/contact?id=7', '100%', '%41', '7/send', '..', 'a//b/'),
          ),
          async (externalId) => {
            const path = handOn(`/v1/test/echo/ext64:${inBase64(externalId)}`);
            expect(await thingIn(path)).toBe(`ext:${externalId}`);
          },
        ),
      );
    },
  );

  it('may have its padding, and is no externalId when it is not text', async () => {
    expect(await thingIn('/v1/test/echo/ext64:YQ==')).toBe('ext:a');
    expect(await thingIn('/v1/test/echo/ext64:_w')).toBe('ext64:_w');
    expect(await thingIn('/v1/test/echo/ext64:')).toBe('ext64:');
    expect(await thingIn('/v1/test/echo/ext64:a?b')).toBe('ext64:a?b');
  });
});
