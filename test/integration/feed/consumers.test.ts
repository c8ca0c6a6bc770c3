import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bumpFeedEpoch } from '../../../shared/feed/feed-epoch.ts';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { partition, recordKey, type StoredItem } from '../../../shared/platform/records-table.ts';
import { createStreamReader } from '../read-stream.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

let api: TestApi;
let readNewRecords: () => Promise<DynamoDBRecord[]>;
let feedFunction: (event: { Records: DynamoDBRecord[]; shardId?: string }) => Promise<unknown>;
let organization: TestOrganization;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  readNewRecords = createStreamReader(process.env['RECORDS_TABLE'] ?? '');
  feedFunction = (await import('../../../functions/feed/handler.ts')).handler;
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
  call = organization.as('crm');
});

const runFeed = async (): Promise<void> => {
  const records = await readNewRecords();
  if (records.length > 0) await feedFunction({ Records: records, shardId: 'shard-1' });
};

const putContacts = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await call('PUT', `/records/contact/ext:${name}`, { displayName: name });
  await runFeed();
};

const namesOf = (events: readonly FeedEvent[]): readonly unknown[] =>
  events.map(({ data }) => data?.['displayName'] ?? data?.['emailAddress']);

const commit = (cursor: string, more: object = {}) => call('POST', '/consumers/laptop-7/commit', { cursor, ...more });

describe('an offline consumer', () => {
  it('begins where the feed begins, and comes back to where it committed', async () => {
    const created = await call('PUT', '/consumers/laptop-7', {});
    await putContacts('c-1', 'c-2', 'c-3');

    const first = (await call('GET', '/feed?consumer=laptop-7&limit=2')).body;
    const again = (await call('GET', '/feed?consumer=laptop-7&limit=2')).body;
    const committed = await commit(first.nextCursor);
    const rest = (await call('GET', '/feed?consumer=laptop-7')).body;

    expect(created).toMatchObject({
      status: 201,
      headers: { location: '/v1/consumers/laptop-7', etag: '"1"' },
      body: { name: 'laptop-7', types: null, userId: null, cursor: '0', lag: 0, lastSeenAt: null },
    });
    expect(namesOf(first.data)).toEqual(['c-1', 'c-2']);
    expect(again).toEqual(first);
    expect(committed).toMatchObject({ status: 200, body: { cursor: first.nextCursor, lag: 1, version: 1 } });
    expect(namesOf(rest.data)).toEqual(['c-3']);
  });

  it('reads and commits while its organization is suspended, when nothing else is written', async () => {
    await call('PUT', '/consumers/laptop-7', {});
    await putContacts('c-1');
    await api.operator('POST', `/v1/organizations/${organization.id}/suspend`, { body: { reason: 'unpaid' } });

    const { nextCursor } = (await call('GET', '/feed?consumer=laptop-7&limit=1')).body;
    const committed = await commit(nextCursor);

    expect(committed).toMatchObject({ status: 200, body: { cursor: nextCursor } });
    expect((await call('PUT', '/consumers/laptop-7', { types: ['email.*'] })).body.code).toBe('organizationSuspended');
  });

  it('may look further than it has committed, and shows when it last read and how far it is behind', async () => {
    await call('PUT', '/consumers/laptop-7', {});
    await putContacts('c-1', 'c-2');
    const first = (await call('GET', '/feed?consumer=laptop-7&limit=1')).body;

    const second = (await call('GET', `/feed?consumer=laptop-7&cursor=${first.nextCursor}`)).body;
    const shown = (await call('GET', '/consumers/laptop-7')).body;

    expect(namesOf(second.data)).toEqual(['c-2']);
    expect(shown).toMatchObject({ cursor: '0', lag: 2, version: 1 });
    expect(Date.now() - Date.parse(shown.lastSeenAt)).toBeLessThan(60_000);
  });

  it('goes back only when it says so, and never ahead of the feed', async () => {
    await call('PUT', '/consumers/laptop-7', {});
    await putContacts('c-1', 'c-2');
    const first = (await call('GET', '/feed?limit=1')).body.nextCursor;
    const { cursor: head } = (await call('GET', '/feed/head')).body;
    await commit(head);

    const back = await commit(first);
    const forced = await commit(first, { force: true });
    const again = await commit(first);
    const ahead = await commit(head.replace(/\d+$/, '99'));
    const nonsense = await commit('tomorrow');

    expect(back).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    expect(forced).toMatchObject({ status: 200, body: { cursor: first, lag: 1 } });
    expect(again).toMatchObject({ status: 200, body: { cursor: first } });
    expect(ahead).toMatchObject({ status: 409, body: { code: 'consumerAhead' } });
    expect(nonsense).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/cursor' }] } });
    expect((await commit('0', { force: true })).body).toMatchObject({ cursor: '0', lag: 2 });
  });

  it('is shown the types that it asked for, and of one user what concerns that user alone', async () => {
    const anna = (await call('PUT', '/users/ext:anna', { fullName: 'Anna', emailAddress: 'anna@contoso.example' }))
      .body;
    await call('PUT', '/users/ext:ben', { fullName: 'Ben', emailAddress: 'ben@contoso.example' });
    await call('PUT', '/records/contact/ext:hers', { displayName: 'hers', ownerId: 'ext:anna' });
    await putContacts('nobodys');
    await call('PATCH', `/mailboxes/${anna.mailboxId}`, { emailAddress: 'anna@client.example' });
    await runFeed();

    await call('PUT', '/consumers/laptop-7', { types: ['record.*'], userId: 'ext:anna' });
    const records = (await call('GET', '/feed?consumer=laptop-7')).body;
    const snapshot = (await call('GET', '/feed/snapshot?consumer=laptop-7')).body;
    const changed = await call('PUT', '/consumers/laptop-7', { userId: 'ext:anna' });
    const everything = (await call('GET', '/feed?consumer=laptop-7')).body;

    expect(namesOf(records.data)).toEqual(['hers']);
    expect(namesOf(snapshot.data)).toEqual(['hers']);
    expect(changed).toMatchObject({ status: 200, body: { types: null, userId: anna.id, version: 2 } });
    expect(namesOf(everything.data)).toEqual(['anna@contoso.example', 'hers', 'anna@client.example']);
  });

  it('of a user who owns little of much is shown the snapshot page by page, each in bounded time', async () => {
    await call('PUT', '/users/ext:anna', { fullName: 'Anna', emailAddress: 'anna@contoso.example' });
    await call('PUT', '/consumers/laptop-7', { userId: 'ext:anna', types: ['record.*'] });
    await call('PUT', '/records/contact/ext:hers', { displayName: 'hers', ownerId: 'ext:anna' });
    await putContacts('nobodys');
    const { table } = api.services;
    const [hers, foreign] = (await table.query({ pk: partition(organization.id, 'record') })).items;
    const copyOf = (item: StoredItem | undefined, id: string) => ({
      put: { ...item, ...recordKey(organization.id, 'record', id), emits: [] },
    });
    for (let first = 0; first < 2_100; first += 100)
      await table.write(Array.from({ length: 100 }, (_, index) => copyOf(foreign, `rec_A${10_000 + first + index}`)));
    await table.write([copyOf(hers, 'rec_Z')]);

    const pages: FeedEvent[][] = [];
    let more = '';
    do {
      const { data, nextCursor, hasMore } = (await call('GET', `/feed/snapshot?consumer=laptop-7&limit=10${more}`))
        .body;
      pages.push(data);
      more = hasMore ? `&cursor=${nextCursor}` : '';
    } while (more !== '');

    // A walk through everything in one answer would end with the time of the request, again and again.
    expect(pages.length).toBeGreaterThan(1);
    expect(namesOf(pages.flat())).toEqual(['hers', 'hers']);
  });

  it('whose place is gone is told so, walks the snapshot and goes on from its cursor', async () => {
    await call('PUT', '/consumers/laptop-7', {});
    await putContacts('c-1', 'c-2');
    const { cursor } = (await call('GET', '/feed/head')).body;
    await commit(cursor);
    await bumpFeedEpoch(api.services.table, new Date());

    const expired = await call('GET', '/feed?consumer=laptop-7');
    const shown = (await call('GET', '/consumers/laptop-7')).body;
    const tooOld = await commit(cursor);
    const snapshot = (await call('GET', '/feed/snapshot?types=record.*')).body;
    const committed = await commit(snapshot.nextCursor);
    await putContacts('c-3');

    expect(expired).toMatchObject({ status: 410, body: { code: 'cursorExpired', resyncFrom: expect.any(String) } });
    expect(shown.lag).toBeNull();
    expect(tooOld).toMatchObject({ status: 410, body: { code: 'cursorExpired' } });
    expect(namesOf(snapshot.data)).toEqual(['c-1', 'c-2']);
    expect(committed).toMatchObject({ status: 200, body: { lag: 0 } });
    expect(namesOf((await call('GET', '/feed?consumer=laptop-7')).body.data)).toEqual(['c-3']);
  });

  it('is listed by name, refused where it cannot be, and forgotten', async () => {
    await call('PUT', '/consumers/b', {});
    await call('PUT', '/consumers/a', {});

    const listed = (await call('GET', '/consumers?limit=1')).body;
    const rest = (await call('GET', `/consumers?limit=1&cursor=${listed.nextCursor}`)).body;

    expect([...listed.data, ...rest.data].map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await call('PUT', '/consumers/a', {}, { 'if-none-match': '*' })).status).toBe(412);
    expect((await call('PUT', '/consumers/.hidden', {})).status).toBe(400);
    expect((await call('PUT', '/consumers/c', { userId: 'ext:nobody' })).body).toMatchObject({
      errors: [{ pointer: '#/userId' }],
    });
    expect((await call('DELETE', '/consumers/a')).status).toBe(204);
    expect((await call('GET', '/feed?consumer=a')).status).toBe(404);
    expect((await call('POST', '/consumers/a/commit', { cursor: '0' })).status).toBe(404);
    expect((await organization.as('reader')('GET', '/consumers/b')).status).toBe(200);
    expect((await organization.as('reader')('POST', '/consumers/b/commit', { cursor: '0' })).status).toBe(403);
  });
});
