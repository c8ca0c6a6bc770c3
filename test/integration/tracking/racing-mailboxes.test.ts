import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLaneServices, type LaneServices } from '../../../functions/common/create-lane-services.ts';
import { readLaneEnvironment } from '../../../functions/common/read-lane-environment.ts';
import { FenceError } from '../../../shared/cycle/cycle-store.ts';
import type { WorkloadRun } from '../../../shared/cycle/workload.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import { createIncomingRunner } from '../../../shared/tracking/incoming-runner.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;
let services: LaneServices;

beforeAll(async () => {
  world = await startIncomingWorld();
  services = createLaneServices(readLaneEnvironment());
});

afterAll(async () => {
  await world?.stop();
});

const beginRun = async ({ id }: IncomingOrganization, mailboxId: string): Promise<WorkloadRun> => {
  const organization = await services.loader.organization(id);
  const context = organization === undefined ? undefined : await services.loader.context(organization, mailboxId, true);
  const cycle = await services.cycleStore.read(id, mailboxId, 'incoming');
  if (organization === undefined || context === undefined || cycle === undefined) throw new Error('Nothing to run');
  return {
    organization,
    mailbox: context.mailbox,
    serverProfile: context.serverProfile,
    credentials: await context.openCredentials(),
    cycle,
    deadline: Date.now() + 40_000,
    careful: undefined,
    now: services.now,
    saveCursor: (folder, previous, next) => services.cycleStore.saveCursor(cycle, folder, previous, next),
  };
};

describe('a run that stood still while another run of its mailbox stored the message', () => {
  it('leaves the email and its bytes as they are', async () => {
    const organization = await world.createOrganization();
    const { mailboxId } = await organization.user(world.mailUser(7));
    await organization.synchronize(mailboxId);
    await appendMessage(world.servers.environment, world.mailUser(7), compose({ Subject: 'Once' }));
    let hasStoodStill = false;
    const write: typeof services.table.write = async (writes) => {
      const storesEmail = writes.some((one) => 'put' in one && one.put['kind'] === 'message');
      if (storesEmail && !hasStoodStill) {
        hasStoodStill = true;
        await createIncomingRunner(services).run(await beginRun(organization, mailboxId));
      }
      return services.table.write(writes);
    };
    const store = new EntityStore({ ...services.table, write });

    await createIncomingRunner({ ...services, store })
      .run(await beginRun(organization, mailboxId))
      .catch((error: unknown) => expect(error).toBeInstanceOf(FenceError));

    expect(hasStoodStill).toBe(true);
    const [email, ...more] = await organization.emails();
    expect(more).toEqual([]);
    const raw = await services.content.read(String(email?.rawKey));
    expect(Buffer.from(raw ?? []).toString()).toContain('Subject: Once');
  });
});

describe('two mailboxes that store the same message at the same moment', () => {
  it.each([
    ['with a Message-ID, whose sender becomes a contact', [1, 2], true, {}],
    ['with a Message-ID, whose sender becomes none', [3, 4], false, {}],
    ['without a Message-ID', [5, 6], false, { 'Message-ID': '' }],
  ])('have one email and a decision each: a message %s', async (_, mailUsers, autoCreate, fields) => {
    const organization = await world.createOrganization();
    const mailboxes: string[] = [];
    for (const number of mailUsers) {
      const { mailboxId } = await organization.user(world.mailUser(number), { autoCreate });
      await organization.synchronize(mailboxId);
      mailboxes.push(mailboxId);
    }
    const [slow = '', quick = ''] = mailboxes;
    const raw = compose({ Subject: 'To both of you', From: 'New <new@client.example>', ...fields });
    for (const number of mailUsers) await appendMessage(world.servers.environment, world.mailUser(number), raw);
    let hasLostRace = false;
    const write: typeof services.table.write = async (writes) => {
      const storesEmail = writes.some((one) => 'put' in one && one.put['kind'] === 'message');
      if (storesEmail && !hasLostRace) {
        hasLostRace = true;
        await createIncomingRunner(services).run(await beginRun(organization, quick));
      }
      return services.table.write(writes);
    };
    const store = new EntityStore({ ...services.table, write });

    await createIncomingRunner({ ...services, store }).run(await beginRun(organization, slow));

    expect(hasLostRace).toBe(true);
    const emails = await organization.emails();
    expect(emails).toHaveLength(1);
    expect([...(emails[0]?.receivedByMailboxIds ?? [])].sort()).toEqual([...mailboxes].sort());
    expect(await organization.decisions(quick)).toMatchObject([{ outcome: 'tracked', emailId: emails[0]?.id }]);
    expect(await organization.decisions(slow)).toMatchObject([{ outcome: 'duplicate', emailId: emails[0]?.id }]);
    const { body } = await organization.call('GET', '/records/contact?email=new@client.example');
    expect(body.data).toHaveLength(autoCreate ? 1 : 0);
  });
});
