import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { buildEvents, eventBytesLimit, type UnshownChange } from '../../../shared/feed/build-events.ts';
import { readStreamRecord } from '../../../shared/feed/stream-change.ts';
import { type Author, type Change, systemAuthor } from '../../../shared/platform/change.ts';
import { createChange, deletedChangeWrite } from '../../../shared/platform/create-change.ts';
import type { CrmRecord } from '../../../shared/record/record.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const author: Author = { origin: 'crm', actor: { type: 'key', id: 'key_1' } };

const record: CrmRecord = {
  id: 'rec_1',
  version: 2,
  createdAt: now.toISOString(),
  updatedAt: now.toISOString(),
  externalId: 'c-9',
  type: 'contact',
  displayName: 'Carl Client',
  emails: [],
  owner: { type: 'user', id: 'usr_1' },
  visibleTo: [],
  status: 'active',
  recordCreatedAt: now.toISOString(),
  custom: {},
  fields: {},
  origin: 'crm',
  contentHash: 'hash',
};

const imageOf = (kind: string, entity: unknown, emits: readonly Change[], more: object = {}) => ({
  pk: `org_1#${kind}`,
  sk: 'rec_1',
  kind,
  organizationId: 'org_1',
  published: 'yes',
  emits,
  entity,
  ...more,
});

const streamRecord = (after: object | undefined, before?: object): DynamoDBRecord => {
  const toImage = (item: object) => marshall(item, { removeUndefinedValues: true }) as never;
  return {
    dynamodb: {
      SequenceNumber: '400000000000000000001',
      ApproximateCreationDateTime: now.getTime() / 1000,
      ...(after === undefined ? {} : { NewImage: toImage(after) }),
      ...(before === undefined ? {} : { OldImage: toImage(before) }),
    },
  };
};

const eventsOf = (streamed: DynamoDBRecord, unshown: UnshownChange[] = []) => {
  const change = readStreamRecord(streamed);
  return change === undefined ? [] : buildEvents(change, (one) => unshown.push(one));
};

describe('events of a stream record', () => {
  it('tell of the resource as the API shows it', () => {
    const change = createChange('record.updated', author, now, ['displayName']);

    const [built] = eventsOf(streamRecord(imageOf('record', record, [change])));

    expect(built).toEqual({
      position: { sequence: '400000000000000000001', index: 0 },
      event: {
        id: change.id,
        type: 'record.updated',
        at: now.toISOString(),
        origin: 'crm',
        actor: { type: 'key', id: 'key_1' },
        subject: { type: 'record', id: 'rec_1', externalId: 'c-9' },
        version: 2,
        changedFields: ['displayName'],
        data: expect.objectContaining({ displayName: 'Carl Client', ownerId: 'usr_1' }),
      },
    });
  });

  it('leave out what the item had told before', () => {
    const [old, added] = [createChange('record.created', author, now), createChange('record.updated', author, now)];

    const built = eventsOf(streamRecord(imageOf('record', record, [old, added]), imageOf('record', record, [old])));

    expect(built.map(({ event }) => event.id)).toEqual([added.id]);
  });

  it('show the last form of what was deleted', () => {
    const change = createChange('record.deleted', author, now);
    const write = deletedChangeWrite('org_1', change, { type: 'record', id: 'rec_1', externalId: 'c-9' }, 4, { a: 1 });

    const [built] = 'put' in write ? eventsOf(streamRecord(write.put)) : [];

    expect(built?.event).toMatchObject({
      type: 'record.deleted',
      subject: { type: 'record', id: 'rec_1', externalId: 'c-9' },
      version: 4,
      data: { a: 1 },
    });
  });

  it('are none for what has been removed, and for what tells nothing', () => {
    expect(eventsOf(streamRecord(undefined, imageOf('record', record, [])))).toEqual([]);
    expect(eventsOf(streamRecord(imageOf('record', record, [])))).toEqual([]);
  });

  it('stand without data when the item does not fit its schema, and say so without its content', () => {
    const unshown: UnshownChange[] = [];
    const change = createChange('record.updated', systemAuthor, now);
    const broken = { ...record, displayName: ['secret'] };

    const [built] = eventsOf(streamRecord(imageOf('record', broken, [change])), unshown);

    expect(built?.event).toMatchObject({ subject: { type: 'record', id: 'rec_1' }, version: 2, data: null });
    expect(unshown).toMatchObject([{ kind: 'record', changeId: change.id }]);
    expect(JSON.stringify(unshown)).not.toContain('secret');
  });

  it('stand without data when a page could not hold it', () => {
    const unshown: UnshownChange[] = [];
    const change = createChange('record.updated', systemAuthor, now);
    const large = { ...record, fields: { notes: 'x'.repeat(eventBytesLimit) } };

    const [built] = eventsOf(streamRecord(imageOf('record', large, [change])), unshown);

    expect(built?.event).toMatchObject({ subject: { externalId: 'c-9' }, data: null });
    expect(unshown).toHaveLength(1);
  });

  it('go on past a change that cannot be read', () => {
    const change = createChange('record.updated', systemAuthor, now);
    const streamed = streamRecord(imageOf('record', record, [{ id: 'evt_1' } as Change, change]));

    expect(eventsOf(streamed).map(({ event }) => event.id)).toEqual([change.id]);
    expect(readStreamRecord(streamed)?.unreadable).toHaveLength(1);
  });

  it('may be of a type that is newer than this function', () => {
    const change = { ...createChange('record.updated', systemAuthor, now), type: 'record.merged' };

    const [built] = eventsOf(streamRecord(imageOf('record', record, [change as Change])));

    expect(built?.event.type).toBe('record.merged');
  });
});

describe('wakes of a stream record', () => {
  const outbox = { ...imageOf('outbox', { mailboxId: 'mbx_1' }, []), sk: 'mbx_1#1' };

  it('come from a new entry of an outbox and not from its changes', () => {
    expect(readStreamRecord(streamRecord(outbox))?.wakes).toBe('mbx_1');
    expect(readStreamRecord(streamRecord(outbox, outbox))?.wakes).toBeUndefined();
  });

  it('repeat each lane message once', () => {
    const message = { lane: 'operations' as const, mailboxId: 'mbx_1', deduplicationId: 'opn_1', body: { v: 1 } };
    const item = imageOf('operation', {}, [], { laneMessages: [message] });

    expect(readStreamRecord(streamRecord(item))?.laneMessages).toEqual([message]);
    expect(readStreamRecord(streamRecord(item, item))?.laneMessages).toEqual([]);
  });
});
