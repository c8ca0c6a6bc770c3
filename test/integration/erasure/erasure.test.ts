import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPageItem } from '../../../shared/feed/feed-page.ts';
import { mailboxPasswordPlace } from '../../../shared/mailbox/credentials.ts';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { type Operation, operationKind } from '../../../shared/operation/operation.ts';
import { runErasure } from '../../../shared/organization/run-erasure.ts';
import { organizationKinds } from '../../../shared/platform/record-kinds.ts';
import { deploymentScope, partition } from '../../../shared/platform/records-table.ts';
import { profileThrottleKey } from '../../../shared/throttle/throttle-item.ts';
import { eventually } from '../../support/eventually.ts';
import { contextOf } from '../../support/run-lane.ts';
import { loadOrganization } from '../../support/synchronized-mailbox.ts';
import type { IncomingOrganization } from '../tracking/incoming-world.ts';
import { createMortal, Died } from './dying-services.ts';
import {
  copyOrganization,
  type ErasureWorld,
  type Everything,
  findTraces,
  identifiersOf,
  lookEverywhere,
  put,
  startErasureWorld,
} from './erasure-world.ts';

let world: ErasureWorld;
let giveUp: (message: object) => Promise<unknown>;
/** Whose content is copied where many are needed, and which stays untouched. */
let neighbour: IncomingOrganization;

beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  world = await startErasureWorld();
  const { handler } = await import('../../../functions/dead-letters/handler.ts');
  giveUp = (message) => {
    const eventSourceARN = 'arn:aws:sqs:us-east-1:000000000000:mailbox-sync-incoming-dead-letters.fifo';
    const Records = [{ messageId: 'm-1', body: JSON.stringify(message), eventSourceARN }];
    return handler({ Records } as unknown as SQSEvent, contextOf(60_000));
  };
  neighbour = await world.createFullOrganization(1);
});

afterAll(async () => {
  await world?.stop();
});

const erase = async (organizationId: string): Promise<string> => {
  const { name } = await loadOrganization(world.api.services, organizationId);
  const path = `/v1/organizations/${organizationId}?confirm=${encodeURIComponent(name)}`;
  const { status, body } = await world.api.operator('DELETE', path);
  if (status !== 202) throw new Error(`The erasure answered ${status}`);
  return body.id;
};

const readErasure = async (operationId: string): Promise<Operation> => {
  const operation = await world.api.services.store.get(operationKind, deploymentScope, operationId);
  if (operation === undefined) throw new Error(`There is no operation ${operationId}`);
  return operation;
};

/** Has the lanes work until it has ended: it waits where it meets work of the organization under way. */
const finish = (operationId: string): Promise<true> =>
  eventually(
    async () => {
      await world.runLanes();
      return (await readErasure(operationId)).status === 'succeeded' ? true : undefined;
    },
    { what: 'the erasure has ended', seconds: 120 },
  );

/** What stays of an erasure: that it was asked for, and until an hour is over that it looks once more. */
const remains = (operationId: string): readonly string[] => [
  `deployment#operation ${operationId}`,
  `deployment#${operationId} operation`,
];

/** Requests are counted, those of this test included, and a webhook tries again. */
const restless = /#(counter|webhookDelivery|whk_.*)$/;

const own = (organizationId: string, { records, cycles }: Everything) =>
  [...records, ...cycles].filter(({ pk }) => pk.startsWith(`${organizationId}#`) && !restless.test(pk));

const inTwoHours = (): Date => new Date(Date.now() + 7_201_000);

const delivery = { receiveCount: 1, remainingMilliseconds: 120_000 };

describe('an organization that is erased', () => {
  it('leaves nothing behind anywhere, and every other as it was', async () => {
    const organization = await world.createFullOrganization(2);
    const before = await lookEverywhere();
    const identifiers = identifiersOf(organization.id, before);
    const [mailbox] = (await organization.call('GET', '/mailboxes')).body.data;

    await organization.call('POST', `/mailboxes/${mailbox.id}/sync`, {});
    const operationId = await erase(organization.id);
    await finish(operationId);
    // What was on its way: changes that the feed had not come to, a message that its lane had given up.
    await world.runFeed();
    await giveUp({
      v: 1,
      organizationId: organization.id,
      mailboxId: mailbox.id,
      workload: 'incoming',
      generation: 1,
      reason: 'timer',
    });
    await world.runLanes();

    const after = await lookEverywhere();
    expect(before.timers.filter((name) => name.includes(mailbox.id)).length).toBeGreaterThan(1);
    expect(before.objects.filter((key) => key.startsWith(organization.id)).length).toBeGreaterThan(0);
    for (const kind of organizationKinds)
      expect(
        before.records.filter(({ pk }) => pk === partition(organization.id, kind)),
        kind,
      ).not.toEqual([]);
    expect(findTraces(after, identifiers).toSorted()).toEqual(remains(operationId).toSorted());
    expect(own(neighbour.id, after)).toEqual(own(neighbour.id, before));
    expect(after.objects).toEqual(before.objects.filter((key) => !key.startsWith(organization.id)));
    const { status, result } = await readErasure(operationId);
    expect(status).toBe('succeeded');
    expect(result).toMatchObject({ mailbox: 1, outbox: 1, feedPage: expect.any(Number), content: expect.any(Number) });
  }, 180_000);

  it('has no secret any more that could be opened, as soon as it is asked for', async () => {
    const { id } = await world.createFullOrganization(3);
    const { store, vault } = world.api.services;
    const { items } = await store.list(mailboxKind, id, { limit: 1 });
    const password = items[0]?.credentials?.password;
    if (password == null) throw new Error('The mailbox has no password');
    const open = async () => {
      const organization = await loadOrganization(world.api.services, id);
      return vault.open(mailboxPasswordPlace(organization, String(items[0]?.id)), password);
    };
    const before = await open();

    const operationId = await erase(id);

    expect(before).toBe(world.mailUser(3).password);
    await expect(open()).rejects.toThrow();
    await finish(operationId);
  }, 180_000);

  it('waits for the runs that are under way', async () => {
    const id = await copyOrganization(neighbour.id, 'with runs');
    const { dependencies } = createMortal({ at: undefined, when: 'before' });
    const lease = [Date.now() + 60_000, 1];
    const key = profileThrottleKey(id, 'prf_1', 0);
    await put('CYCLES_TABLE', { ...key, v: 1, n: 1, q: 0, leases: { 'mbx_1+incoming': lease } });
    const operation = await readErasure(await erase(id));

    const first = await runErasure(dependencies, operation, delivery);
    const during = await lookEverywhere();
    const second = await runErasure(
      createMortal({ at: undefined, when: 'before' }, inTwoHours).dependencies,
      operation,
      delivery,
    );

    expect(first).toEqual({ done: false, waitSeconds: 15 });
    expect(during.cycles.filter(({ pk, sk }) => pk.startsWith(id) && sk === 'incoming')).toEqual([]);
    expect(during.records.some(({ pk }) => pk === partition(id, 'email'))).toBe(true);
    expect(second).toEqual({ done: true });
    expect(own(id, await lookEverywhere())).toEqual([]);
  });

  it('takes two hours later what was written while it went, also by the last URL to upload to', async () => {
    const id = await copyOrganization(neighbour.id, 'with late writes');
    const operationId = await erase(id);
    await finish(operationId);
    // Of a request that was under way; a slow upload may begin just before the URL ends.
    const upload = { contentType: 'text/plain', sizeBytes: 4, now: new Date() };
    const { expiresAt } = await world.api.services.content.uploadUrl(`${id}/uploads/1`, upload);
    const watched = (await lookEverywhere()).cycles.find(({ pk }) => pk.includes(operationId));
    expect(Number(watched?.['due']) - Date.parse(expiresAt)).toBeGreaterThan(1_800_000);
    const late = { first: 1, events: [], marks: {}, expiresAt: 1e10 };
    await world.api.services.table.write([{ put: toPageItem(id, late) }]);
    await world.api.services.content.put(`${id}/uploads/1`, 'Late', 'text/plain');

    const { dependencies } = createMortal({ at: undefined, when: 'before' }, inTwoHours);
    const verdict = await runErasure(dependencies, await readErasure(operationId), delivery);

    const after = await lookEverywhere();
    expect(verdict).toEqual({ done: true });
    expect(findTraces(after, [id])).toEqual([`deployment#operation ${operationId}`]);
    expect(after.cycles.some(({ pk }) => pk.includes(operationId))).toBe(false);
  }, 180_000);

  it('is gone whole wherever its erasure was killed', async () => {
    const untouched = own(neighbour.id, await lookEverywhere());
    const kill = async (at: number, when: 'before' | 'after'): Promise<'died' | 'lived'> => {
      const id = await copyOrganization(neighbour.id, `killed ${when} request ${at}`);
      const identifiers = identifiersOf(id, await lookEverywhere());
      const operationId = await erase(id);
      const operation = await readErasure(operationId);
      let end: 'died' | 'lived' = 'lived';
      try {
        await runErasure(createMortal({ at, when }).dependencies, operation, delivery);
      } catch (error) {
        if (!(error instanceof Died)) throw error;
        end = 'died';
      }
      await finish(operationId);
      const traces = findTraces(await lookEverywhere(), identifiers);
      expect(traces.toSorted(), `killed ${when} request ${at}`).toEqual(remains(operationId).toSorted());
      expect((await readErasure(operationId)).status).toBe('succeeded');
      return end;
    };
    const step = 9;
    let deaths = 0;
    for (let at = 1; ; at += step) {
      const end = await kill(at, deaths % 2 === 0 ? 'before' : 'after');
      if (end === 'lived') break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(20);
    expect(own(neighbour.id, await lookEverywhere())).toEqual(untouched);
  }, 600_000);
});
