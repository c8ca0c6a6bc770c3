import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../functions/api/routes/index.ts';
import { type ApiHarness, startApiHarness } from './api-harness.ts';

let hub: ApiHarness;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
});
afterAll(async () => {
  await hub?.stop();
});

const emitted = async (organizationId: string): Promise<readonly string[]> => {
  const item = await hub.services.table.get({ pk: `${organizationId}#organization`, sk: organizationId });
  return ((item?.['emits'] ?? []) as { type: string }[]).map(({ type }) => type);
};

describe('settings', () => {
  it('come whole, with an ETag of their own', async () => {
    const { admin } = await hub.organization();

    const { headers, body } = await admin('GET', '/v1/settings');

    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({
      version: 1,
      tracking: { defaultFiltering: 'responses' },
      schedule: { incoming: { seconds: 300 } },
    });
  });

  it('change only where they are named, and tell the feed which', async () => {
    const { id, admin } = await hub.organization();

    const { body, headers } = await admin('PATCH', '/v1/settings', {
      body: { tracking: { defaultFiltering: 'all' }, outgoing: { undoSeconds: 5, retry: { attempts: 3 } } },
    });

    expect(headers['etag']).toBe('"2"');
    expect(body.tracking).toMatchObject({ defaultFiltering: 'all', sentItems: false });
    expect(body.outgoing).toMatchObject({
      undoSeconds: 5,
      saveToSentItems: true,
      retry: { attempts: 3, seconds: 300 },
    });
    const item = await hub.services.table.get({ pk: `${id}#organization`, sk: id });
    expect(item?.['emits']).toMatchObject([
      {
        type: 'settings.changed',
        origin: 'crm',
        changedFields: ['tracking.defaultFiltering', 'outgoing.undoSeconds', 'outgoing.retry.attempts'],
      },
    ]);
  });

  it('stay as they are when nothing changes: same version, no event', async () => {
    const { id, admin } = await hub.organization();

    const { headers } = await admin('PATCH', '/v1/settings', {
      body: { tracking: { defaultFiltering: 'responses' }, outgoing: {} },
    });

    expect(headers['etag']).toBe('"1"');
    expect(await emitted(id)).toEqual([]);
  });

  it('go back to their default with null', async () => {
    const { admin } = await hub.organization();
    await admin('PATCH', '/v1/settings', { body: { correlation: { token: { prefix: 'X:', counterDigits: 5 } } } });

    const one = await admin('PATCH', '/v1/settings', { body: { correlation: { token: { prefix: null } } } });
    const group = await admin('PATCH', '/v1/settings', { body: { correlation: null } });

    expect(one.body.correlation.token).toMatchObject({ prefix: 'CRM:', counterDigits: 5 });
    expect(group.body.correlation.token.counterDigits).toBe(3);
  });

  it.each([
    [{ outgoing: { retry: { attempts: 0 } } }, '#/outgoing/retry/attempts'],
    [{ schedule: { incoming: { seconds: 59 } } }, '#/schedule/incoming/seconds'],
    [{ schedule: { retry: { seconds: 4 } } }, '#/schedule/retry/seconds'],
    [{ schedule: { incoming: { seconds: '60' } } }, '#/schedule/incoming/seconds'],
    [{ nothing: {} }, '#/nothing'],
    [{ tracking: { nothing: 1 } }, '#/tracking/nothing'],
    [{ newMailboxes: { serverProfileId: 'prf_00000000000000000000000000' } }, '#/newMailboxes/serverProfileId'],
    [{ attachments: { maxBytes: 33_554_433 } }, '#/attachments/maxBytes'],
  ])('refuse %j and change nothing', async (patch, pointer) => {
    const { admin } = await hub.organization();

    const { status, body } = await admin('PATCH', '/v1/settings', {
      body: { outgoing: { undoSeconds: 7 }, ...patch },
    });

    expect(status).toBe(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
    expect((await admin('GET', '/v1/settings')).body.outgoing.undoSeconds).toBe(0);
  });

  it('take seconds down to 1 in a sandbox', async () => {
    const { admin } = await hub.organization({ kind: 'sandbox' });

    const { status } = await admin('PATCH', '/v1/settings', {
      body: { schedule: { incoming: { seconds: 1 }, retry: { seconds: 1 } }, recovery: { probeSeconds: 1 } },
    });

    expect(status).toBe(200);
  });

  it('let one of two writers with the same ETag through', async () => {
    const { admin } = await hub.organization();
    const write = (undoSeconds: number) =>
      admin('PATCH', '/v1/settings', { body: { outgoing: { undoSeconds } }, headers: { 'if-match': '"1"' } });

    const statuses = (await Promise.all([write(1), write(2), write(3)])).map(({ status }) => status).sort();

    expect(statuses).toEqual([200, 412, 412]);
  });

  it('merge two writers of different settings without an ETag', async () => {
    const { admin } = await hub.organization();

    await Promise.all([
      admin('PATCH', '/v1/settings', { body: { outgoing: { undoSeconds: 9 } } }),
      admin('PATCH', '/v1/settings', { body: { retention: { deadLetterDays: 9 } } }),
    ]);

    const { body } = await admin('GET', '/v1/settings');
    expect(body).toMatchObject({ version: 3, outgoing: { undoSeconds: 9 }, retention: { deadLetterDays: 9 } });
  });

  it('describe themselves', async () => {
    const { admin } = await hub.organization();

    const { body } = await admin('GET', '/v1/settings/schema');

    expect(body.properties.schedule.properties.incoming.properties.seconds).toMatchObject({
      type: 'integer',
      default: 300,
      minimum: 1,
      maximum: 86_400,
      productionMinimum: 60,
      since: '0.1.0',
    });
  });
});
