import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { operationKind } from '../../../shared/operation/operation.ts';
import { noteFailedAttempt, reportProgress } from '../../../shared/operation/run-operation.ts';
import {
  contextOf,
  deleteProcessed,
  type LaneHandler,
  loadLaneHandler,
  receiveLaneEvent,
} from '../../support/run-lane.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

/** Nothing listens there. */
const nowhere = { host: '127.0.0.1', port: 1, security: 'tls' } as const;

let world: IncomingWorld;
let operations: LaneHandler;
let organization: IncomingOrganization;
let operationId: string;

beforeAll(async () => {
  world = await startIncomingWorld();
  operations = await loadLaneHandler('operations');
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

beforeEach(async () => {
  const { environment } = world.servers;
  organization = await world.createOrganization({ ...environment, imap: nowhere });
  users += 1;
  const { mailboxId } = await organization.user(world.mailUser(users), { filtering: 'none' });
  const path = `/mailboxes/${mailboxId}/promote`;
  operationId = (await organization.call('POST', path, { messageId: '<one@client.example>' })).body.id;
});

const queueUrl = () => String(process.env['OPERATIONS_QUEUE_URL']);

const receive = async () => {
  const event = await receiveLaneEvent(queueUrl(), 2);
  if (event === undefined) throw new Error('Nothing was sent');
  return event;
};

const readOperation = async () => (await organization.call('GET', `/operations/${operationId}`)).body;

describe('an operation whose server is away', () => {
  it('is tried again however often its message had to wait before', async () => {
    const event = await receive();
    for (const { attributes } of event.Records) attributes.ApproximateReceiveCount = '9';

    const response = await operations(event, contextOf(60_000));

    expect(response?.batchItemFailures).toHaveLength(1);
    expect((await readOperation()).status).toBe('running');
  });

  it('fails with what the server met after four tries, whichever message brought them', async () => {
    const event = await receive();
    const states: string[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      // A fresh message of a long wait begins to count at one.
      for (const { attributes } of event.Records) attributes.ApproximateReceiveCount = '1';
      await deleteProcessed(queueUrl(), event, await operations(event, contextOf(60_000)));
      states.push((await readOperation()).status);
    }

    expect(states).toEqual(['running', 'running', 'running', 'failed']);
    expect((await readOperation()).fault.code).toBe('connectFailed');
  });

  it('has all its tries again once it has come further, and shows none of it', async () => {
    const { services } = world.api;
    const fail = () => noteFailedAttempt(services, organization.id, operationId);

    const before = [await fail(), await fail(), await fail()];
    await reportProgress(services, organization.id, operationId, { done: 1, total: 2 });

    expect([...before, await fail()]).toEqual([1, 2, 3, 1]);
    expect(await services.store.get(operationKind, organization.id, operationId)).toHaveProperty('failedAttempts');
    expect(await readOperation()).not.toHaveProperty('failedAttempts');
  });
});
