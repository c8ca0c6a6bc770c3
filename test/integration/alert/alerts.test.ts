import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearAlert, raiseAlert } from '../../../shared/alert/raise-alert.ts';
import type { Cycle } from '../../../shared/cycle/cycle.ts';
import { crowdingReport } from '../../../shared/cycle/report-crowding.ts';
import type { RunContext } from '../../../shared/cycle/run-context.ts';
import { createCycleReporter } from '../../../shared/mailbox/cycle-reporter.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { startTestApi, type TestApi } from '../role-calls.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(async () => {
  await api?.stop();
});

const raise = (organizationId: string, mailboxId: string, level: 'warning' | 'error' = 'warning', detail = 'slow') =>
  raiseAlert(api.services.store, {
    organizationId,
    level,
    scope: 'mailbox',
    fault: createFault('timedOut', { detail }),
    subject: { type: 'mailbox', id: mailboxId },
    mailboxId,
    now: new Date(),
  });

describe('alerts', () => {
  it('tell what happened, who acts and what to do, and count repeats of one cause', async () => {
    const organization = await api.createOrganization();
    await raise(organization.id, 'mbx_1');
    await raise(organization.id, 'mbx_1', 'warning', 'slower');
    await raise(organization.id, 'mbx_2');

    const { body } = await organization.as('reader')('GET', '/alerts?mailboxId=mbx_1&status=open&level=warning');

    expect(body.data).toMatchObject([
      {
        code: 'timedOut',
        count: 2,
        detail: 'slower',
        status: 'open',
        whoActs: 'administrator',
        helpUrl: '/problems/timedOut',
        subject: { type: 'mailbox', id: 'mbx_1' },
      },
    ]);
    expect(body.data[0].fix).not.toBe('');
  });

  it('that got worse tell their new level on the same row', async () => {
    const organization = await api.createOrganization();
    await raise(organization.id, 'mbx_1');
    await raise(organization.id, 'mbx_1', 'error');

    const { body } = await organization.as('admin')('GET', '/alerts');

    expect(body.data).toMatchObject([{ level: 'error', count: 2 }]);
  });

  it('clear themselves when their cause is gone, or by hand, and stay cleared', async () => {
    const organization = await api.createOrganization();
    const call = organization.as('crm');
    await raise(organization.id, 'mbx_1');
    await raise(organization.id, 'mbx_2');
    await clearAlert(api.services.store, organization.id, 'timedOut', 'mbx_1', { now: new Date() });
    const byHand = (await call('GET', '/alerts?mailboxId=mbx_2')).body.data[0];

    const cleared = await call('POST', `/alerts/${byHand.id}/clear`);
    const again = await call('POST', `/alerts/${byHand.id}/clear`);

    expect(cleared.body).toMatchObject({ status: 'cleared', version: 2 });
    expect(again.body).toEqual(cleared.body);
    expect((await call('GET', '/alerts?status=open')).body.data).toEqual([]);
    expect((await organization.as('reader')('POST', `/alerts/${byHand.id}/clear`)).status).toBe(403);
  });

  it('name the connections that a crowded server profile needs, until they suffice', async () => {
    const organization = await api.createOrganization();
    const reporter = createCycleReporter({ ...api.services, onDisabled: () => undefined });
    const cycle = { organizationId: organization.id, mailboxId: 'mbx_1', workload: 'incoming' } as Cycle;
    const context = { serverProfile: { id: 'prf_1' } } as RunContext;
    const crowded = crowdingReport({ state: 'crowded', utilization: 0.97, stretch: 1.3, needed: 16 });
    const call = organization.as('reader');

    await reporter.report(cycle, context, crowded);
    await reporter.report(cycle, context, crowded);
    const open = (await call('GET', '/alerts?status=open')).body.data;
    await reporter.report(cycle, context, crowdingReport({ state: 'relieved' }));
    const left = (await call('GET', '/alerts?status=open')).body.data;

    expect(open).toMatchObject([
      { code: 'serverCrowded', level: 'warning', scope: 'profile', count: 2, subject: { id: 'prf_1' } },
    ]);
    expect(open[0].detail).toContain('97 %');
    expect(open[0].fix).toContain('maxConnections to 16');
    expect(left).toEqual([]);
  });

  it('of another organization answer as if there were none', async () => {
    const organization = await api.createOrganization();
    await raise(organization.id, 'mbx_1');
    const [alert] = (await organization.as('admin')('GET', '/alerts')).body.data;
    const other = (await api.createOrganization()).as('admin');

    expect((await other('GET', `/alerts/${alert.id}`)).status).toBe(404);
    expect((await other('POST', `/alerts/${alert.id}/clear`)).status).toBe(404);
  });
});
