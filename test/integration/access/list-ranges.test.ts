import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessWorld, type Company, startAccessWorld } from './access-world.ts';

let world: AccessWorld;
let company: Company;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  for (const name of ['one', 'two'])
    await company.admin('PUT', `/v1/records/contact/ext:${name}`, { body: { displayName: name } });
});
afterAll(async () => {
  await world?.hub.stop();
});

const get = (path: string) => company.admin('GET', `/v1${path}`);

/** The cursor with some of what it holds replaced. */
const forged = (cursor: string, replaced: object): string => {
  const held = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  return Buffer.from(JSON.stringify({ ...held, ...replaced })).toString('base64url');
};

describe('a range that ends before it begins', () => {
  it.each([
    '/audit-log?from=2026-11-20T00:00:00Z&to=2026-11-10T00:00:00Z',
    '/emails?receivedFrom=2026-11-20T00:00:00Z&receivedTo=2026-11-10T00:00:00Z',
  ])('holds nothing: %s', async (path) => {
    expect(await get(path)).toMatchObject({ status: 200, body: { data: [], nextCursor: null } });
  });
});

describe('a cursor that somebody has made up', () => {
  it.each([
    ['names what lies outside of the range', 'aud_0'],
    ['names what lies behind the range', 'zzz'],
    ['is longer than any key', 'é'.repeat(1_000)],
    ['holds half a character', 'aud_~\ud800'],
  ])('is refused by a list: it %s', async (_, id) => {
    const query = '/audit-log?limit=1&from=2026-01-01T00:00:00Z&to=2200-01-01T00:00:00Z';
    const { nextCursor } = (await get(query)).body;

    expect(await get(`${query}&cursor=${forged(nextCursor, { id })}`)).toMatchObject({
      status: 400,
      body: { code: 'invalidRequest', errors: [{ pointer: '#/query/cursor', code: 'invalidCursor' }] },
    });
  });

  it.each([
    ['empty', ''],
    ['longer than any key', 'é'.repeat(1_000)],
  ])('is refused by the snapshot: its place is %s', async (_, after) => {
    const { nextCursor } = (await get('/feed/snapshot?limit=1')).body;

    expect(await get(`/feed/snapshot?limit=1&cursor=${forged(nextCursor, { after })}`)).toMatchObject({
      status: 400,
      body: { code: 'invalidRequest', errors: [{ pointer: '#/query/cursor', code: 'invalidCursor' }] },
    });
  });
});
