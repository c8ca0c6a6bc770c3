import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../../functions/api/routes/index.ts';
import { createLaneTimers } from '../../../functions/common/create-lane-timers.ts';
import { toPageItem } from '../../../shared/feed/feed-page.ts';
import { createOperation } from '../../../shared/operation/create-operation.ts';
import { operationKind } from '../../../shared/operation/operation.ts';
import { finishOperation } from '../../../shared/operation/run-operation.ts';
import { createOrganizationCycles } from '../../../shared/organization/erase-cycles.ts';
import { eraseOrganization } from '../../../shared/organization/erase-organization.ts';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { organizationKinds } from '../../../shared/platform/record-kinds.ts';
import { deploymentScope, partition } from '../../../shared/platform/records-table.ts';
import { type ApiHarness, startApiHarness } from '../api-harness.ts';

let hub: ApiHarness;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
});
afterAll(async () => {
  await hub?.stop();
});

describe('erasing an organization', () => {
  const dependencies = () => ({
    ...hub.services,
    organizationCycles: createOrganizationCycles({
      document: createDocumentClient(),
      tableName: hub.cyclesTable,
      timers: createLaneTimers(),
      now: hub.services.now,
    }),
  });

  it('asks for its name', async () => {
    const { id } = await hub.organization({ name: 'Precious' });

    const wrong = await hub.operator('DELETE', `/v1/organizations/${id}?confirm=precious`);
    const none = await hub.operator('DELETE', `/v1/organizations/${id}`);

    expect(wrong.status).toBe(400);
    expect(wrong.body.errors[0].pointer).toBe('#/query/confirm');
    expect(none.body.errors[0]).toMatchObject({ pointer: '#/query/confirm', code: 'required' });
    expect((await hub.operator('GET', `/v1/organizations/${id}`)).body.status).toBe('active');
  });

  it('closes it at once, leaves nothing behind, and can be read when it is gone', async () => {
    const { id, admin } = await hub.organization({ name: 'Gone', externalId: 'gone' });
    const neighbour = await hub.organization();
    const parsed = ['mailbox', 'serverProfile', 'operation', 'feedPage', 'webhook'];
    for (const kind of organizationKinds.filter((one) => !parsed.includes(one)))
      await hub.services.table.write([{ put: { pk: partition(id, kind), sk: 'filler#1', v: 1 } }]);
    await hub.services.table.write([{ put: toPageItem(id, { first: 1, events: [], marks: {}, expiresAt: 1e10 }) }]);
    await createOperation(hub.services, {
      organizationId: id,
      kind: 'synchronize',
      subject: { type: 'mailbox', id: 'mbx_1' },
      mailboxGroup: 'mbx_1',
      input: {},
      deadlineSeconds: 60,
    });
    const webhook = await admin('POST', '/v1/webhooks', { body: { url: 'https://127.0.0.1:9/' } });
    await hub.services.content.put(`${id}/raw/1`, 'From: a', 'message/rfc822');
    await hub.services.content.put(`${neighbour.id}/raw/1`, 'From: b', 'message/rfc822');
    await hub.receive('operations');

    const accepted = await hub.operator('DELETE', '/v1/organizations/ext:gone?confirm=Gone');
    const repeated = await hub.operator('DELETE', `/v1/organizations/${id}?confirm=Gone`);

    expect(accepted.status).toBe(202);
    expect(accepted.headers['location']).toBe(`/v1/organizations/${id}/operations/${accepted.body.id}`);
    expect(repeated.body.id).toBe(accepted.body.id);
    expect((await admin('GET', '/v1/organization')).status).toBe(401);
    expect((await hub.operator('GET', `/v1/organizations/${id}`)).body.status).toBe('erasing');
    expect((await hub.operator('POST', `/v1/organizations/${id}/resume`)).body.code).toBe('invalidState');
    expect(await hub.receive('operations')).toEqual([
      { v: 1, organizationId: deploymentScope, mailboxId: id, workload: 'operations', operationId: accepted.body.id },
    ]);

    const outcome = await eraseOrganization(dependencies(), id);
    await finishOperation(hub.services, deploymentScope, accepted.body.id, {
      status: 'succeeded',
      result: outcome.removed,
    });

    expect(outcome.done).toBe(true);
    expect(outcome.removed).toMatchObject({ apiKey: 2, email: 1, content: 1 });
    const left = (await hub.allRecords()).filter((item) => JSON.stringify(item).includes(id));
    expect(left.map((item) => item['pk']).sort()).toEqual(['deployment#operation']);
    expect(await hub.cycleItem(`${id}#${webhook.body.id}`, 'webhook')).toBeUndefined();
    expect(await hub.services.content.read(`${neighbour.id}/raw/1`)).toBeDefined();
    expect((await hub.operator('GET', `/v1/organizations/${id}`)).status).toBe(404);
    expect((await hub.operator('GET', '/v1/organizations/ext:gone')).status).toBe(404);
    expect((await hub.operator('GET', String(accepted.headers['location']))).body).toMatchObject({
      kind: 'eraseOrganization',
      status: 'succeeded',
      result: { apiKey: 2 },
    });
    expect((await neighbour.admin('GET', '/v1/organization')).status).toBe(200);
    expect(
      (await hub.operator('POST', '/v1/organizations', { body: { name: 'New', externalId: 'gone' } })).status,
    ).toBe(201);
  });

  it('goes on where it was stopped', async () => {
    const { id } = await hub.organization();
    for (let index = 0; index < 60; index += 1)
      await hub.services.table.write([{ put: { pk: partition(id, 'email'), sk: `filler#${index}`, v: 1 } }]);
    const start = Date.now();
    let reads = 0;
    const slow = {
      ...dependencies(),
      now: () => {
        reads += 1;
        return new Date(start + 1_000 * reads);
      },
    };

    const first = await eraseOrganization(slow, id, start + 12_000);
    const second = await eraseOrganization(dependencies(), id);
    const third = await eraseOrganization(dependencies(), id);

    expect(first.done).toBe(false);
    expect(second.done).toBe(true);
    expect(third).toEqual({ done: true, removed: {} });
    expect(await hub.services.store.get(organizationKind, id, id)).toBeUndefined();
  });

  it('is of the deployment, not of an organization', async () => {
    const { id } = await hub.organization({ name: 'Other' });
    const { body } = await hub.operator('DELETE', `/v1/organizations/${id}?confirm=Other`);
    const { id: foreign } = await hub.organization();

    expect(await hub.services.store.get(operationKind, deploymentScope, body.id)).toBeDefined();
    expect((await hub.operator('GET', `/v1/organizations/${foreign}/operations/${body.id}`)).status).toBe(404);
  });
});
