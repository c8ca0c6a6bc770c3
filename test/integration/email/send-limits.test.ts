import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLaneServices } from '../../../functions/common/create-lane-services.ts';
import { readLaneEnvironment } from '../../../functions/common/read-lane-environment.ts';
import { createSendQuotas } from '../../../shared/email/send-quota-table.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { type Body, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

const quotas = () => createSendQuotas(createDocumentClient(), readLaneEnvironment().CYCLES_TABLE);

describe('the limits of a server profile', () => {
  it('let a Send wait, never fail, and say until when and why', async () => {
    const organization = await world.createOrganization({
      profile: { sendLimits: { perDay: 2 } },
      settings: { outgoing: { allowUnresolvedRecipients: true, saveToSentItems: false } },
    });
    const toCarl = () => organization.send({ to: [{ address: world.mailUser(2).address }], subject: 'Our offer' });
    const sends: Body[] = [];
    for (let number = 0; number < 3; number += 1) sends.push(await toCarl());
    const [first, second, third] = sends;
    const waiting = await organization.runUntil(third.id, ({ delivery }) => delivery.fault?.code === 'quotaReached');
    const schedule = await organization.call('GET', `/mailboxes/${organization.sender.mailboxId}/schedule`);

    expect(waiting.status).toBe('pendingSend');
    expect(waiting.delivery.attempts).toBe(0);
    const hours = (Date.parse(waiting.delivery.nextAttemptAt) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24.6);
    expect((await organization.email(first.id)).status).toBe('sent');
    expect((await organization.email(second.id)).status).toBe('sent');
    expect(schedule.body.workloads.outgoing).toMatchObject({ state: 'enabled', reason: 'quotaReached' });

    const raised = await organization.call('PATCH', `/server-profiles/${organization.profile.id}`, {
      sendLimits: { perDay: 10 },
    });
    expect(raised.body.sendLimits).toEqual({ perDay: 10 });
    // Any wake looks again: the next Send, for instance.
    const fourth = await toCarl();
    expect((await organization.runToEnd(third.id)).status).toBe('sent');
    expect((await organization.runToEnd(fourth.id)).delivery).not.toHaveProperty('fault');
  });

  it('are never passed by runs that send at the same time, each in a process of its own', async () => {
    const organizationId = createIdentifier('org', Date.now());
    const serverProfile = { id: createIdentifier('prf', Date.now()), sendLimits: { perMinute: 25, perDay: 1_000 } };
    const now = Date.now();
    const runs = [quotas(), quotas(), quotas(), quotas()];
    const taken = await Promise.all(
      runs.map(async (run) => {
        let count = 0;
        for (let number = 0; number < 15; number += 1)
          if ((await run.take({ organizationId, serverProfile, now, ofMany: false })) === undefined) count += 1;
        return count;
      }),
    );

    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(25);
    expect(await quotas().look({ organizationId, serverProfile, now, ofMany: false })).toBeGreaterThan(now);
  });

  it('stay right after a run that died: what it had counted is counted', async () => {
    const { sendQuotas } = createLaneServices(readLaneEnvironment());
    const organizationId = createIdentifier('org', Date.now());
    const serverProfile = { id: createIdentifier('prf', Date.now()), sendLimits: { perDay: 3 } };
    const request = { organizationId, serverProfile, now: Date.now(), ofMany: false };

    expect(await sendQuotas.take(request)).toBeUndefined();
    const successor = quotas();
    expect(await successor.take(request)).toBeUndefined();
    expect(await successor.take(request)).toBeUndefined();
    expect(await sendQuotas.take(request)).toBeGreaterThan(request.now);
  });

  it('cost nothing where there are none', async () => {
    const request = {
      organizationId: 'org_1',
      serverProfile: { id: 'prf_1', sendLimits: null },
      now: Date.now(),
      ofMany: false,
    };
    const withoutTable = createSendQuotas(createDocumentClient(), 'no-such-table');

    expect(await withoutTable.look(request)).toBeUndefined();
    expect(await withoutTable.take(request)).toBeUndefined();
  });
});
