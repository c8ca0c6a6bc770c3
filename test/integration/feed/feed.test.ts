import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { consumeStream, createStreamConsumer } from '../../../shared/feed/consume-stream.ts';
import { bumpFeedEpoch } from '../../../shared/feed/feed-epoch.ts';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { feedPageKey } from '../../../shared/feed/feed-page.ts';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { createChange } from '../../../shared/platform/create-change.ts';
import { recordKey } from '../../../shared/platform/records-table.ts';
import { createStreamReader } from '../read-stream.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

let api: TestApi;
let readNewRecords: () => Promise<DynamoDBRecord[]>;
let feedFunction: (event: { Records?: DynamoDBRecord[]; shardId?: string }) => Promise<unknown>;
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

/** What the event source does: hands everything new to the feed function. */
const runFeed = async (): Promise<DynamoDBRecord[]> => {
  const records = await readNewRecords();
  if (records.length > 0) await feedFunction({ Records: records, shardId: 'shard-1' });
  return records;
};

const putContact = (name: string, body: object = {}) =>
  call('PUT', `/records/contact/ext:${name}`, { displayName: name, ...body });

const readAll = async (
  cursor = '0',
  query = '',
): Promise<{ readonly events: FeedEvent[]; readonly cursor: string }> => {
  const events: FeedEvent[] = [];
  for (let next = cursor; ; ) {
    const { body } = await call('GET', `/feed?cursor=${next}${query}`);
    events.push(...body.data);
    next = body.nextCursor;
    if (body.hasMore === false) return { events, cursor: next };
  }
};

describe('the change feed', () => {
  it('shows changes in their order with the resource as it was then', async () => {
    await putContact('c-1', { emails: [{ address: 'carl@client.example' }] });
    await putContact('c-1', { fields: { jobTitle: 'Buyer' } });
    await call('DELETE', '/records/contact/ext:c-1');
    await runFeed();

    const { body } = await call('GET', '/feed');

    expect(body.data.map((event: FeedEvent) => [event.sequence, event.type, event.version])).toEqual([
      [1, 'record.created', 1],
      [2, 'record.updated', 2],
      [3, 'record.deleted', 2],
    ]);
    expect(body.data[0]).toMatchObject({
      origin: 'crm',
      actor: { type: 'key' },
      subject: { type: 'record', externalId: 'c-1' },
      data: {
        type: 'contact',
        displayName: 'c-1',
        fields: {},
        emails: [{ address: 'carl@client.example', primary: true }],
      },
    });
    expect(body.data[1]).toMatchObject({ changedFields: ['fields.jobTitle'], data: { fields: { jobTitle: 'Buyer' } } });
    expect(body.data[2]).toMatchObject({ data: { displayName: 'c-1', reason: 'deleted' } });
    expect(body.hasMore).toBe(false);
  });

  it('gives the same events for the same cursor, in pages of any size', async () => {
    for (let index = 0; index < 7; index += 1) {
      await putContact(`c-${index}`);
      if (index % 3 === 0) await runFeed();
    }
    await runFeed();

    const whole = await readAll();
    const inTwos = await readAll('0', '&limit=2');

    expect(whole.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(inTwos).toEqual(whole);
  });

  it('moves the cursor past what the filters leave out', async () => {
    await putContact('c-1');
    await putContact('c-1', { displayName: 'Other' });
    await runFeed();

    const { body } = await call('GET', '/feed?types=email.*,record.deleted');
    const mailboxes = await call('GET', '/feed?origins=mailbox');

    expect(body.data).toEqual([]);
    expect(body.nextCursor).toBe((await call('GET', '/feed/head')).body.cursor);
    expect(mailboxes.body.data).toEqual([]);
    expect((await readAll('0', '&types=record.created')).events).toHaveLength(1);
    expect((await readAll('0', '&types=record.*&origins=crm')).events).toHaveLength(2);
  });

  it('answers a waiting reader as soon as something happens', async () => {
    const { cursor } = (await call('GET', '/feed/head')).body;

    const waiting = call('GET', `/feed?cursor=${cursor}&wait=20`);
    await putContact('c-1');
    await runFeed();
    const happenedAt = Date.now();
    const { body } = await waiting;

    expect(body.data).toHaveLength(1);
    expect(Date.now() - happenedAt).toBeLessThan(10_000);
  });

  it('gives a waiting reader a cursor when nothing happens', async () => {
    const { cursor } = (await call('GET', '/feed/head')).body;

    const { body } = await call('GET', `/feed?cursor=${cursor}&wait=1`);

    expect(body).toEqual({ data: [], nextCursor: cursor, hasMore: false });
  });

  it('keeps organizations apart and counts each by itself', async () => {
    const other = await api.createOrganization();
    await putContact('c-1');
    await other.as('crm')('PUT', '/records/contact/ext:c-1', { displayName: 'Of the other' });
    await runFeed();

    const mine = (await readAll()).events;
    const theirs = (await other.as('reader')('GET', '/feed')).body.data;

    expect(mine).toMatchObject([{ sequence: 1, data: { displayName: 'c-1' } }]);
    expect(theirs).toMatchObject([{ sequence: 1, data: { displayName: 'Of the other' } }]);
  });

  it('tells nothing of a write that changes nothing', async () => {
    await putContact('c-1');
    await putContact('c-1');
    await call('PATCH', '/records/contact/ext:c-1', {});
    await runFeed();

    expect((await readAll()).events).toHaveLength(1);
  });

  it('refuses a cursor that it did not give out', async () => {
    const answer = await call('GET', '/feed?cursor=tomorrow');

    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalidRequest', errors: [{ pointer: '#/query/cursor' }] });
  });
});

describe('a delivery of the stream', () => {
  it('that comes again tells nothing twice', async () => {
    await putContact('c-1');
    await putContact('c-2');
    const records = await runFeed();

    await feedFunction({ Records: records, shardId: 'shard-1' });

    expect((await readAll()).events.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('that many readers get at once, late and repeatedly, leaves no hole and no double', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `c-${index}`);
    await Promise.all(names.map((name) => putContact(name)));
    const records = await readNewRecords();
    const errors: string[] = [];
    const readers = Array.from({ length: 6 }, () =>
      createStreamConsumer({ ...api.services, reportError: (message) => errors.push(message) }),
    );
    const read = async (reader: (typeof readers)[number], size: number): Promise<void> => {
      for (let start = 0; start < records.length; start += size)
        await consumeStream(reader, 'shard-1', records.slice(start, start + size));
    };

    await Promise.all(readers.map((reader, index) => read(reader, 3 + index)));

    const { events } = await readAll();
    expect(errors).toEqual([]);
    expect(events.map(({ sequence }) => sequence)).toEqual(names.map((_, index) => index + 1));
    expect(new Set(events.map(({ id }) => id)).size).toBe(names.length);
  });

  it('answers with the state that a windowed event source asks for', async () => {
    const end = { shardId: 'shard-1', state: {}, isFinalInvokeForWindow: true, isWindowTerminatedEarly: false };

    expect(await feedFunction({ Records: [], shardId: 'shard-1' })).toEqual({ state: {} });
    expect(await feedFunction({ Records: [], ...end })).toEqual({ state: {} });
    expect(await feedFunction(end)).toEqual({ state: {} });
  });

  it('with an item that cannot be shown goes on, and tells it without data', async () => {
    const change = createChange('record.updated', systemAuthor, new Date());
    const { table } = api.services;
    await table.write([
      {
        put: {
          ...recordKey(organization.id, 'record', 'rec_broken'),
          kind: 'record',
          organizationId: organization.id,
          published: 'yes',
          emits: [change],
          entity: { id: 'rec_broken', version: 3, displayName: 7 },
        },
      },
    ]);
    await putContact('c-1');
    await runFeed();

    expect((await readAll()).events).toMatchObject([
      { id: change.id, subject: { type: 'record', id: 'rec_broken' }, version: 3, data: null },
      { type: 'record.created', subject: { externalId: 'c-1' } },
    ]);
    await table.write([{ remove: recordKey(organization.id, 'record', 'rec_broken') }]);
  });

  it('tells nothing of what an update left standing from an earlier write', async () => {
    await putContact('c-1');
    const { body } = await call('GET', '/records/contact/ext:c-1');
    await api.services.table.write([
      {
        update: recordKey(organization.id, 'record', body.id),
        expression: 'SET touched = :yes',
        values: { ':yes': true },
      },
    ]);
    await runFeed();

    expect((await readAll()).events).toHaveLength(1);
  });
});

describe('messages that the stream repeats', () => {
  it('wake the outgoing lane for a Send whose acceptor could not', async () => {
    const mailboxId = 'mbx_0000000000000001';
    await api.services.cycles.enable(organization.id, mailboxId, 'outgoing', 'prf_1');
    await api.receive('outgoing');
    await api.services.table.write([
      {
        put: {
          ...recordKey(organization.id, 'outbox', `${mailboxId}#1#000000000000001#eml_1`),
          kind: 'outbox',
          organizationId: organization.id,
          published: 'yes',
          entity: { mailboxId, emailId: 'eml_1' },
        },
      },
    ]);
    const before = (await api.services.cycles.read(organization.id, mailboxId)).outgoing;

    await runFeed();

    const after = (await api.services.cycles.read(organization.id, mailboxId)).outgoing;
    expect(after?.wakes).toBe((before?.wakes ?? 0) + 1);
  });

  it('bring a lane message to its queue', async () => {
    const body = {
      v: 1,
      organizationId: organization.id,
      mailboxId: 'mbx_2',
      workload: 'operations',
      operationId: 'opn_1',
    };
    await api.services.table.write([
      {
        put: {
          ...recordKey(organization.id, 'operation', 'opn_1'),
          kind: 'operation',
          organizationId: organization.id,
          published: 'yes',
          laneMessages: [{ lane: 'operations', mailboxId: 'mbx_2', deduplicationId: 'opn_1', body }],
          entity: {},
        },
      },
    ]);

    await runFeed();

    expect(await api.receive('operations')).toContainEqual(body);
  });
});

describe('a consumer that was away too long', () => {
  it('is told so, and by the snapshot misses nothing, not even what changes during the walk', async () => {
    for (let index = 0; index < 5; index += 1) await putContact(`c-${index}`);
    await runFeed();
    const { cursor } = await readAll('0', '&limit=2');
    await bumpFeedEpoch(api.services.table, new Date());

    const expired = await call('GET', `/feed?cursor=${cursor}`);
    expect(expired.status).toBe(410);
    expect(expired.body).toMatchObject({ code: 'cursorExpired' });
    expect((await call('GET', `/feed?cursor=${expired.body.resyncFrom}`)).status).toBe(200);

    const known = new Map<string, string>();
    const take = (events: readonly FeedEvent[]) => {
      for (const event of events) {
        const { externalId, displayName } = event.data ?? {};
        if (event.subject.type === 'record') known.set(String(externalId), String(displayName));
      }
    };
    let page = (await call('GET', '/feed/snapshot?types=record.*&limit=2')).body;
    take(page.data);
    // One that the walk has passed, one that it has not reached, and a new one.
    await putContact('c-0', { displayName: 'changed behind' });
    await putContact('c-4', { displayName: 'changed ahead' });
    await putContact('c-9');
    await runFeed();
    while (page.hasMore) {
      page = (await call('GET', `/feed/snapshot?types=record.*&limit=2&cursor=${page.nextCursor}`)).body;
      take(page.data);
    }
    take((await readAll(page.nextCursor)).events);

    expect(Object.fromEntries(known)).toEqual({
      'c-0': 'changed behind',
      'c-1': 'c-1',
      'c-2': 'c-2',
      'c-3': 'c-3',
      'c-4': 'changed ahead',
      'c-9': 'c-9',
    });
  });

  it('is told so when the stream itself may have dropped changes before they were read', async () => {
    await putContact('c-1');
    await runFeed();
    const { cursor } = await readAll();
    await putContact('c-2');
    const errors: string[] = [];
    // The stream keeps its records for a day; these have waited nearly as long.
    const late = createStreamConsumer({
      ...api.services,
      now: () => new Date(Date.now() + 23 * 3_600_000),
      reportError: (message) => errors.push(message),
    });

    await consumeStream(late, 'shard-1', await readNewRecords());

    expect(errors).toContainEqual(expect.stringContaining('may have dropped changes'));
    expect(await call('GET', `/feed?cursor=${cursor}`)).toMatchObject({ status: 410, body: { code: 'cursorExpired' } });
    expect((await readAll()).events.map(({ subject }) => subject.externalId)).toEqual(['c-1', 'c-2']);
  });

  it('is told so when the page has been dropped, while a start at 0 begins with what is kept', async () => {
    for (const name of ['c-1', 'c-2', 'c-3']) {
      await putContact(name);
      await runFeed();
    }
    const first = (await call('GET', '/feed?limit=1')).body.nextCursor;
    for (const sequence of [1, 2]) await api.services.table.write([{ remove: feedPageKey(organization.id, sequence) }]);

    expect((await call('GET', `/feed?cursor=${first}`)).body).toMatchObject({ code: 'cursorExpired' });
    expect((await readAll()).events.map(({ sequence }) => sequence)).toEqual([3]);
  });

  it('goes on at the end without a fault when every page has been dropped, and the count goes on', async () => {
    await putContact('c-1');
    await runFeed();
    const { cursor } = (await call('GET', '/feed/head')).body;
    await api.services.table.write([{ remove: feedPageKey(organization.id, 1) }]);

    expect((await call('GET', `/feed?cursor=${cursor}`)).body).toEqual({
      data: [],
      nextCursor: cursor,
      hasMore: false,
    });
    await putContact('c-2');
    const late = createStreamConsumer({ ...api.services, reportError: () => undefined });
    await consumeStream(late, 'shard-1', await readNewRecords());

    expect((await readAll(cursor)).events.map(({ sequence }) => sequence)).toEqual([2]);
  });
});

describe('the snapshot', () => {
  it('shows each subject without secrets, and a cursor is good for its own types only', async () => {
    await putContact('c-1');
    await runFeed();

    const all = (await call('GET', '/feed/snapshot')).body;
    const first = (await call('GET', '/feed/snapshot?limit=1')).body;
    const foreign = await call('GET', `/feed/snapshot?types=email.*&cursor=${first.nextCursor}`);

    expect(all.data.map(({ type }: FeedEvent) => type)).toEqual(['settings.snapshot', 'record.snapshot']);
    expect(JSON.stringify(all)).not.toContain('secretSalt');
    expect(all.hasMore).toBe(false);
    expect(foreign.status).toBe(400);
  });
});
