import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../functions/api/routes/index.ts';
import { type ApiHarness, type Client, startApiHarness } from './api-harness.ts';
import { oddRoutes } from './odd-routes.ts';

let hub: ApiHarness;
let admin: Client;

beforeAll(async () => {
  hub = await startApiHarness({ ...routeGroups, test: async () => oddRoutes });
  ({ admin } = await hub.organization());
});
afterAll(async () => {
  await hub?.stop();
});

describe('every answer', () => {
  it('has a Request-Id, also when there is no such path', async () => {
    const found = await hub.client(null)('GET', '/v1/health');
    const missing = await hub.client(null)('GET', '/nowhere');

    expect(found.status).toBe(200);
    expect(found.body).toEqual({ status: 'ok', version: 'test' });
    expect(found.headers['request-id']).toMatch(/^req_[0-9A-Z]{26}$/);
    expect(missing.status).toBe(404);
    expect(missing.body.instance).toBe(`urn:request:${missing.headers['request-id']}`);
  });

  it('is a whole problem with a fix when it is a refusal', async () => {
    const { headers, body } = await admin('GET', '/v1/nothing-here');

    expect(headers['content-type']).toBe('application/problem+json');
    expect(body).toMatchObject({ type: '/problems/notFound', status: 404, code: 'notFound', whoActs: 'caller' });
    expect(body.fix).not.toBe('');
  });
});

describe('a long answer', () => {
  it('is no longer than a function may return, whatever its characters', async () => {
    const text = '"\n';

    const { status, body } = await admin('POST', '/v1/test/large', { body: { text, times: 1_000_000 } });

    expect(status).toBe(200);
    expect(body.text === text.repeat(1_000_000)).toBe(true);
  });
});

describe('authorization', () => {
  it.each([
    ['no header', null],
    ['nonsense', 'abc'],
    ['a key of the right form that does not exist', `msk_${'0'.repeat(52)}_${'A'.repeat(43)}`],
    ['an operator key that does not exist', `mso_${'0'.repeat(26)}_${'A'.repeat(43)}`],
  ])('answers 401 with WWW-Authenticate to %s', async (_, token) => {
    const { status, headers, body } = await hub.client(token)('GET', '/v1/organization');

    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(body.code).toBe('unauthenticated');
  });

  it('refuses a key whose secret differs in one character', async () => {
    const { key } = await hub.organization();
    const other = `${key.slice(0, -2)}${key.endsWith('AA') ? 'BB' : 'AA'}`;

    expect((await hub.client(other)('GET', '/v1/organization')).status).toBe(401);
  });

  it('takes the scheme in any case', async () => {
    const { key } = await hub.organization();

    const { status } = await hub.client(null)('GET', '/v1/organization', {
      headers: { authorization: `bearer ${key}` },
    });

    expect(status).toBe(200);
  });

  it('lets each role do what it may and nothing more', async () => {
    const keyOf = async (role: string): Promise<Client> =>
      hub.client((await admin('POST', '/v1/api-keys', { body: { name: role, role } })).body.secret);
    const [crm, reader] = [await keyOf('crm'), await keyOf('reader')];

    expect((await crm('GET', '/v1/organization')).status).toBe(200);
    expect((await crm('GET', '/v1/settings')).body.code).toBe('forbidden');
    expect((await reader('GET', '/v1/operations')).status).toBe(200);
    expect((await reader('POST', '/v1/test/echo/a', { body: {} })).body.code).toBe('forbidden');
    expect((await hub.operator('GET', '/v1/organization')).body.code).toBe('forbidden');
    expect((await admin('GET', '/v1/organizations')).body.code).toBe('forbidden');
  });
});

describe('paths', () => {
  it('answers 405 with the methods that there are', async () => {
    const { status, headers, body } = await admin('PUT', '/v1/settings', { body: {} });

    expect(status).toBe(405);
    expect(headers['allow']).toBe('GET, PATCH');
    expect(body.code).toBe('methodNotAllowed');
  });

  it.each([
    ['ext:a%2Fb', 'ext:a/b'],
    ['ext:a%2F%2Fb%2F', 'ext:a//b/'],
    ['ext:100%25', 'ext:100%'],
    ['ext:%2541', 'ext:%41'],
    ['ext:%E2%82%AC%20%3F%23', 'ext:€ ?#'],
    ['ext:a+b', 'ext:a+b'],
    ['ext64:YT9iJTQx', 'ext:a?b%41'],
  ])('reads %s as %s', async (sent, meant) => {
    const { status, body } = await admin('POST', `/v1/test/echo/${sent}`, { body: {} });

    expect(status).toBe(201);
    expect(body.path).toEqual({ thingId: meant });
  });

  it('serves a readable page for each code, and none for others', async () => {
    const page = await hub.client(null)('GET', '/problems/versionMismatch');

    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.body).toContain('If-Match');
    expect((await hub.client(null)('GET', '/problems/toString')).status).toBe(404);
    expect((await hub.client(null)('POST', '/problems/notFound')).status).toBe(405);
  });

  it('describes itself', async () => {
    const { status, body } = await hub.client(null)('GET', '/v1/openapi.json');

    expect(status).toBe(200);
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths)).toContain('/v1/settings');
  });
});

describe('input', () => {
  const echo = (call: Parameters<Client>[2], query = '') => admin('POST', `/v1/test/echo/a${query}`, call);

  it('names every wrong place at once', async () => {
    const { status, body } = await echo(
      { body: { text: 7, count: 9, other: true, nested: { list: [{ name: 'a' }, { name: 1, 'x/y~z': 2 }] } } },
      '?limit=6&colour=red&limit=7',
    );

    expect(status).toBe(400);
    expect(body.code).toBe('invalidRequest');
    expect(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]).sort()).toEqual([
      ['#/count', 'outOfRange'],
      ['#/nested/list/1/name', 'invalidType'],
      ['#/nested/list/1/x~1y~0z', 'unknownField'],
      ['#/other', 'unknownField'],
      ['#/query/colour', 'unknownField'],
      ['#/query/limit', 'outOfRange'],
      ['#/query/limit', 'repeated'],
      ['#/text', 'invalidType'],
    ]);
  });

  it('takes an empty body for {}', async () => {
    expect((await echo({})).status).toBe(201);
    expect((await echo({ raw: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status).toBe(
      201,
    );
    expect((await echo({ raw: ' \n', headers: { 'content-type': 'application/json' } })).status).toBe(201);
  });

  it('says missing of what is missing', async () => {
    const { body } = await echo({ body: { nested: {} } });

    expect(body.errors).toEqual([{ pointer: '#/nested/list', code: 'required', detail: 'This field is missing' }]);
  });

  it.each([
    ['broken JSON', '{"text":'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a list', '[]'],
    ['a text', '"text"'],
    ['null', 'null'],
  ])('answers 400 at # to %s', async (_, raw) => {
    const { status, body } = await echo({ raw });

    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('#');
  });

  it('does not repeat a broken body in its answer', async () => {
    const { body } = await echo({ raw: '{"password":"hunter2"' });

    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('takes a field named __proto__ for an unknown one', async () => {
    expect((await echo({ raw: '{"__proto__":{"text":"a"}}' })).status).toBe(400);
  });

  it.each(['text/plain', 'application/xml', 'application/json; charset=latin1'])('answers 415 to %s', async (type) => {
    expect((await echo({ raw: '{}', headers: { 'content-type': type } })).body.code).toBe('unsupportedMediaType');
  });

  it('takes a body in Base64, and JSON with its charset', async () => {
    const { body } = await echo({
      raw: Buffer.from('{"text":"ä"}'),
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });

    expect(body.body).toEqual({ text: 'ä' });
  });

  it.each([
    ['text', (text: string) => text],
    ['Base64', (text: string) => Buffer.from(text)],
  ])('takes 4 MB as %s and answers 413 to more', async (_, encode) => {
    const frame = '{"text":""}'.length;
    const bodyOf = (bytes: number) => encode(`{"text":"${'x'.repeat(bytes - frame)}"}`);

    expect((await echo({ raw: bodyOf(4 * 1024 * 1024) })).status).toBe(201);
    expect((await echo({ raw: bodyOf(4 * 1024 * 1024 + 1) })).body.code).toBe('requestTooLarge');
  });

  it('refuses a body where none is taken', async () => {
    const { body } = await admin('GET', '/v1/settings', { body: { text: 'a' } });

    expect(body.errors).toEqual([{ pointer: '#', code: 'unknownField', detail: 'This request takes no body' }]);
  });

  it.each([
    ['"7"', 7],
    ['*', null],
    ['"other"', 0],
    ['W/"7"', 0],
  ])('reads If-Match %s', async (tag, version) => {
    expect((await echo({ body: {}, headers: { 'if-match': tag } })).body.ifMatch).toBe(version);
  });

  it('answers 400 to an If-Match that is no entity tag', async () => {
    const { status, body } = await echo({ body: {}, headers: { 'if-match': '7' } });

    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('#/header/If-Match');
  });
});

describe('failures inside', () => {
  it('answers 500 without a word of what happened, and logs it without the message', async () => {
    const { status, headers, body } = await admin('GET', '/v1/test/fail');

    expect(status).toBe(500);
    expect(body.code).toBe('internalError');
    expect(JSON.stringify(body)).not.toMatch(/hunter2|at .*\.ts/);
    expect(hub.log.join('\n')).toContain(String(headers['request-id']));
    expect(hub.log.join('\n')).not.toContain('hunter2');
  });

  it.each(['ThrottlingException', 'ProvisionedThroughputExceededException', 'TimeoutError'])(
    'answers 503 with Retry-After to %s',
    async (name) => {
      const { status, headers, body } = await admin('GET', `/v1/test/fail?name=${name}`);

      expect(status).toBe(503);
      expect(body.code).toBe('unavailable');
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    },
  );

  it('never logs a token or a body', async () => {
    const { key } = await hub.organization();
    await hub.client(key)('POST', '/v1/test/echo/a', { body: { text: 'very private' } });

    expect(hub.log.join('\n')).not.toContain(key.slice(-20));
    expect(hub.log.join('\n')).not.toContain('very private');
  });
});
