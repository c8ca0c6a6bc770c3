import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../functions/api/routes/index.ts';
import { createOperation } from '../../shared/operation/create-operation.ts';
import { createOperationItem } from '../../shared/operation/operation-item.ts';
import { recordItemOutcome } from '../../shared/operation/record-item-outcome.ts';
import {
  finishOperation,
  noteFailedAttempt,
  reportProgress,
  startOperation,
  timeOutOperation,
} from '../../shared/operation/run-operation.ts';
import { type ApiHarness, startApiHarness, walkPages } from './api-harness.ts';

let hub: ApiHarness;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
});
afterAll(async () => {
  await hub?.stop();
});

describe('operations', () => {
  const request = (organizationId: string) => ({
    organizationId,
    kind: 'synchronize' as const,
    subject: { type: 'mailbox', id: 'mbx_1' },
    mailboxGroup: 'mbx_1',
    input: { workloads: ['incoming'] },
    deadlineSeconds: 60,
  });
  const watched = (organizationId: string, operationId: string) =>
    hub.cycleItem(`${organizationId}#${operationId}`, 'operation');

  it('are queued, watched and stored with their message', async () => {
    const { id, admin } = await hub.organization();
    await hub.receive('operations');

    const operation = await createOperation(hub.services, request(id));

    expect(await hub.receive('operations')).toEqual([
      { v: 1, organizationId: id, mailboxId: 'mbx_1', workload: 'operations', operationId: operation.id },
    ]);
    expect(await watched(id, operation.id)).toMatchObject({ group: 'mbx_1', deadline: Date.parse(operation.deadline) });
    const { body } = await admin('GET', `/v1/operations/${operation.id}`);
    expect(body).toEqual({
      id: operation.id,
      kind: 'synchronize',
      status: 'queued',
      subject: { type: 'mailbox', id: 'mbx_1' },
      progress: { done: 0, total: 1 },
      createdAt: operation.createdAt,
      version: 1,
    });
  });

  it('are waited for until they end', async () => {
    const { id, admin } = await hub.organization();
    const operation = await createOperation(hub.services, request(id));
    const waiting = admin('GET', `/v1/operations/${operation.id}?wait=20`);

    await startOperation(hub.services, id, operation.id);
    await finishOperation(hub.services, id, operation.id, { status: 'succeeded', result: { seen: 3 } });

    expect((await waiting).body).toMatchObject({
      status: 'succeeded',
      result: { seen: 3 },
      progress: { done: 1, total: 1 },
    });
    expect(await watched(id, operation.id)).toBeUndefined();
    const item = await hub.services.table.get({ pk: `${id}#operation`, sk: operation.id });
    expect(item?.['emits']).toMatchObject([{ type: 'operation.finished' }]);
    expect(item).not.toHaveProperty('laneMessages');
  });

  it('answer when the waiting is over, and refuse to wait longer than 20 s', async () => {
    const { id, admin } = await hub.organization();
    const operation = await createOperation(hub.services, request(id));

    expect((await admin('GET', `/v1/operations/${operation.id}?wait=1`)).body.status).toBe('queued');
    expect((await admin('GET', `/v1/operations/${operation.id}?wait=21`)).status).toBe(400);
  });

  it('are cancelled unless they have ended; the first end stands', async () => {
    const { id, admin } = await hub.organization();
    const operation = await createOperation(hub.services, request(id));
    await startOperation(hub.services, id, operation.id);

    const cancelled = await admin('POST', `/v1/operations/${operation.id}/cancel`);
    await finishOperation(hub.services, id, operation.id, { status: 'succeeded' });
    const again = await admin('POST', `/v1/operations/${operation.id}/cancel`);

    expect(cancelled.body.status).toBe('cancelled');
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('operationFinished');
    expect((await admin('GET', `/v1/operations/${operation.id}`)).body.status).toBe('cancelled');
    expect((await reportProgress(hub.services, id, operation.id, { done: 1, total: 2 })).status).toBe('cancelled');
  });

  it('keep their version while they get on, so that If-Match still cancels them', async () => {
    const { id, admin } = await hub.organization();
    const operation = await createOperation(hub.services, { ...request(id), total: 3 });
    await startOperation(hub.services, id, operation.id);
    const begun = (await admin('GET', `/v1/operations/${operation.id}`)).body;

    await Promise.all(
      [1, 2, 3].map((failed) =>
        reportProgress(hub.services, id, operation.id, { done: failed, total: 3 }, { [`part${failed}`]: 'done' }),
      ),
    );
    await noteFailedAttempt(hub.services, id, operation.id);
    const underWay = (await admin('GET', `/v1/operations/${operation.id}`)).body;
    const cancelled = await admin('POST', `/v1/operations/${operation.id}/cancel`, {
      headers: { 'if-match': `"${begun.version}"` },
    });

    expect(underWay.progress.done).toBeGreaterThan(0);
    expect(underWay.version).toBe(begun.version);
    expect([cancelled.status, cancelled.body.status, cancelled.body.version]).toEqual([
      200,
      'cancelled',
      begun.version + 1,
    ]);
  });

  it('lose no count where several report at the same moment', async () => {
    const { id } = await hub.organization();
    const operation = await createOperation(hub.services, request(id));
    await startOperation(hub.services, id, operation.id);

    const counts = await Promise.all([1, 2, 3, 4].map(() => noteFailedAttempt(hub.services, id, operation.id)));

    expect(counts.toSorted()).toEqual([1, 2, 3, 4]);
  });

  it('fail past their limit with a fault', async () => {
    const { id, admin } = await hub.organization();
    const operation = await createOperation(hub.services, request(id));

    await timeOutOperation(hub.services, id, operation.id);

    const { body } = await admin('GET', `/v1/operations/${operation.id}`);
    expect(body).toMatchObject({ status: 'failed', fault: { code: 'timedOut', whoActs: 'administrator' } });
  });

  it('are one, however often the same is asked under one name', async () => {
    const { id } = await hub.organization();
    await hub.receive('operations');
    const named = { ...request(id), id: 'opn_00000000000000000000000001' };

    const [first, second] = [await createOperation(hub.services, named), await createOperation(hub.services, named)];

    expect(second).toEqual(first);
    expect(await hub.receive('operations')).toHaveLength(1);
  });

  it('list by kind and status, bound to their cursor', async () => {
    const { id, admin } = await hub.organization();
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const operation = await createOperation(hub.services, {
        ...request(id),
        kind: index % 2 === 0 ? 'synchronize' : 'testAndEnable',
      });
      made.push(operation.id);
    }

    const all = await walkPages(admin, '/v1/operations');
    const filtered = await walkPages(admin, '/v1/operations?kind=synchronize&status=queued');
    const { nextCursor } = (await admin('GET', '/v1/operations?limit=1&kind=synchronize')).body;
    const otherFilter = await admin('GET', `/v1/operations?limit=1&cursor=${nextCursor}`);
    const broken = await admin('GET', '/v1/operations?cursor=abc');

    expect(all.map((one) => one['id'])).toEqual([...made].reverse());
    expect(filtered.map((one) => one['id'])).toEqual([made[4], made[2], made[0]]);
    expect(otherFilter.status).toBe(400);
    expect(otherFilter.body.errors[0].pointer).toBe('#/query/cursor');
    expect(broken.status).toBe(400);
    hub.advance(24 * 3_600_000 + 1);
    expect((await admin('GET', `/v1/operations?limit=1&kind=synchronize&cursor=${nextCursor}`)).status).toBe(400);
  });

  it('count each item of bulk work once and end with the last', async () => {
    const { id, admin } = await hub.organization();
    const bulk = await createOperation(hub.services, { ...request(id), kind: 'bulkMailboxes', total: 3 });
    const now = hub.services.now();
    for (const number of [0, 1, 2])
      await createOperationItem(
        hub.services.store,
        id,
        bulk,
        { number, subject: { type: 'mailbox', id: `mbx_${number}` } },
        now,
      );
    const child = await createOperation(hub.services, { ...request(id), parent: { operationId: bulk.id, item: 0 } });
    const repeated = await createOperation(hub.services, { ...request(id), parent: { operationId: bulk.id, item: 0 } });
    expect(repeated.id).toBe(child.id);

    await finishOperation(hub.services, id, child.id, { status: 'succeeded', result: { seen: 1 } });
    await finishOperation(hub.services, id, child.id, { status: 'succeeded', result: { seen: 1 } });
    await Promise.all([
      recordItemOutcome(hub.services, id, bulk.id, 1, { status: 'failed' }),
      recordItemOutcome(hub.services, id, bulk.id, 1, { status: 'failed' }),
      recordItemOutcome(hub.services, id, bulk.id, 2, { status: 'skipped' }),
    ]);

    const { body } = await admin('GET', `/v1/operations/${bulk.id}`);
    expect(body).toMatchObject({
      status: 'succeeded',
      progress: { done: 3, total: 3 },
      result: { succeeded: 1, failed: 1, skipped: 1 },
    });
    const items = await walkPages(admin, `/v1/operations/${bulk.id}/items`);
    expect(items.map((item) => [item['number'], item['status']])).toEqual([
      [0, 'succeeded'],
      [1, 'failed'],
      [2, 'skipped'],
    ]);
    expect(items[0]).toMatchObject({ operationId: child.id, result: { seen: 1 } });
  });
});
