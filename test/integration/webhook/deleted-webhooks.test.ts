import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { operationMessage } from '../../../shared/operation/operation-message.ts';
import { recordKey } from '../../../shared/platform/records-table.ts';
import { webhookKind } from '../../../shared/webhook/webhook.ts';
import { webhookMessage } from '../../../shared/webhook/webhook-message.ts';
import { eventually } from '../../support/eventually.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { beginCase, startWebhookWorld, type WebhookCase, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
let operations: LaneHandler;
let hook: WebhookCase;

beforeAll(async () => {
  world = await startWebhookWorld();
  operations = await loadLaneHandler('operations');
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  hook = await beginCase(world);
});

const runOperations = async (): Promise<void> => {
  while ((await runLaneBatch(operations, String(process.env['OPERATIONS_QUEUE_URL']))) > 0);
};

/** A webhook whose endpoint took an event once and takes it no more, and a replay that waits for it. */
const beginReplay = async () => {
  const { id } = await hook.subscribe();
  const { cursor } = (await hook.call('GET', '/feed/head')).body;
  await hook.putContacts('c-1');
  await world.untilPosted(hook.path, 1);
  await hook.untilCaughtUp(id);
  world.endpoint.answer(hook.path, () => ({ status: 503, headers: { 'retry-after': '60' } }));
  const { body: operation } = await hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor });
  await runOperations();
  await world.untilPosted(hook.path, 2);
  const state = () => world.api.cycleItem(`${hook.organization.id}#${id}`, 'webhook');
  await eventually(async () => ((await state())?.['due'] ? true : undefined), { what: 'the wait for the endpoint' });
  const status = async () => (await hook.call('GET', `/operations/${operation.id}`)).body.status;
  return { id, operation, state, status };
};

/** As far as a request comes that dies once the webhook is gone. */
const deleteHalfWay = (id: string) =>
  world.api.services.table.write([{ remove: recordKey(hook.organization.id, webhookKind.kind, id) }]);

describe('a webhook that is deleted while events are sent to it again', () => {
  it('cancels that operation at once', async () => {
    const { id, operation, state, status } = await beginReplay();
    const before = await status();

    const deleted = await hook.call('DELETE', `/webhooks/${id}`);

    expect([before, deleted.status, await status()]).toEqual(['running', 204, 'cancelled']);
    expect(await state()).toBeUndefined();
    expect(await world.api.cycleItem(`${hook.organization.id}#${operation.id}`, 'operation')).toBeUndefined();
  });

  it('by a request that died half-way cancels it once the operation is looked after', async () => {
    const { id, operation, state, status } = await beginReplay();
    await deleteHalfWay(id);

    const { queues } = world.api.services;
    const message = operationMessage(hook.organization.id, id, operation.id, 'watchdog');
    await queues.send('operations', id, `${operation.id}.watchdog`, message);
    await runOperations();

    expect(await status()).toBe('cancelled');
    expect(await state()).toBeUndefined();
  });

  it('by a request that died half-way cancels it once the webhook is rung for', async () => {
    const { id, state, status } = await beginReplay();
    await deleteHalfWay(id);

    await world.deliver(webhookMessage(hook.organization.id, id, { reason: 'changed', occasion: '2' }), 1);

    expect(await status()).toBe('cancelled');
    expect(await state()).toBeUndefined();
  });
});

describe('the alert of a webhook that the hub disabled', () => {
  const disable = async () => {
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, () => ({ status: 410 }));
    await hook.putContacts('c-1');
    await hook.untilStatus(id, 'disabled');
    return id;
  };

  it.each([
    ['enabled again', 'PATCH', { status: 'enabled' }],
    ['deleted', 'DELETE', undefined],
  ] as const)('is cleared in the very write by which it is %s', async (_, method, body) => {
    const id = await disable();
    const opened = await hook.openAlerts(id);
    const { table } = world.api.services;
    const write = table.write.bind(table);
    let writes = 0;
    // The process dies after the first write that touches the webhook.
    table.write = async (all) => {
      if (writes > 0) throw new Error('The process is dead');
      await write(all);
      if (JSON.stringify(all).includes('#webhook"')) writes += 1;
    };

    try {
      await hook.call(method, `/webhooks/${id}`, body);
    } finally {
      table.write = write;
    }

    expect(opened).toMatchObject([{ code: 'endpointGone' }]);
    expect(writes).toBe(1);
    expect(await hook.openAlerts(id)).toEqual([]);
  });
});
