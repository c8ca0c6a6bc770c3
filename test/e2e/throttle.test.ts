import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type CountingRelay, startCountingRelay } from '../support/counting-relay.ts';
import { eventually } from '../support/eventually.ts';
import { createHubClient, type HubClient } from '../support/hub-client.ts';
import { deliverMessage, findMailUser } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

type Email = { readonly messageId: string; readonly receivedByMailboxIds: readonly string[] };
type Schedule = {
  readonly health: string;
  readonly workloads: { readonly incoming: { readonly lastSuccessAt: string; readonly consecutiveFailures: number } };
};

const maxConnections = 3;
const mailboxCount = 20;
const messagesEach = 10;

const cloud = inject('localCloud');
const addresses = Array.from({ length: mailboxCount }, (_, index) => `user${index + 1}@example.test`);
const messageIdOf = (address: string, number: number): string => `<for-${number}-${address}>`;

let relay: CountingRelay;
let organizationId: string;
let hub: HubClient;
let mailboxes: readonly { readonly mailboxId: string; readonly address: string }[];

const deliverTo = async (address: string): Promise<void> => {
  for (let number = 0; number < messagesEach; number += 1)
    await deliverMessage(cloud.mail, {
      from: 'carl@client.example',
      to: address,
      subject: `Number ${number}`,
      messageId: messageIdOf(address, number),
      text: 'Hello',
    });
};

beforeAll(async () => {
  ({ id: organizationId, hub } = await createOrganization(cloud, { kind: 'sandbox' }));
  relay = await startCountingRelay(cloud.mail.imap);
  const serverProfileId = await createServerProfile(hub, cloud.mail, {
    incoming: { protocol: 'imap', ...relay.endpoint },
    maxConnections,
  });
  mailboxes = await Promise.all(
    addresses.map(async (address) => {
      const mailUser = findMailUser(cloud.mail, address);
      const { mailboxId } = await enableMailbox(hub, { serverProfileId, mailUser, externalId: address });
      return { mailboxId, address };
    }),
  );
  for (const address of addresses) await deliverTo(address);
});

/** One cycle of every mailbox, all asked for at once. */
const synchronizeAll = async (): Promise<void> => {
  const select = { mailboxIds: mailboxes.map(({ mailboxId }) => mailboxId) };
  const bulk = { select, action: 'sync', arguments: { workloads: ['incoming'] } };
  const { id } = await hub.post<{ readonly id: string }>('/mailboxes/bulk', bulk);
  await hub.waitForOperation(id);
};

afterAll(async () => {
  const operator = createHubClient(cloud.hubUrl, cloud.operatorKey);
  await operator.post(`/organizations/${organizationId}/suspend`, { reason: 'The test is over' });
  await relay?.stop();
});

describe(`${mailboxCount} mailboxes on a server that takes ${maxConnections} connections`, () => {
  it('are all synchronized, every message once', async () => {
    const emails = await eventually(
      async () => {
        await synchronizeAll();
        const found = await readWholeList<Email>(hub, '/emails?direction=incoming&fields=summary');
        return found.length >= mailboxCount * messagesEach ? found : undefined;
      },
      { what: 'every message is tracked', seconds: 300, everyMilliseconds: 500 },
    );
    const found = emails.map((email) => `${email.messageId} ${email.receivedByMailboxIds.join()}`).sort();
    const expected = mailboxes.flatMap(({ mailboxId, address }) =>
      Array.from({ length: messagesEach }, (_, number) => `${messageIdOf(address, number)} ${mailboxId}`),
    );
    expect(found).toEqual(expected.sort());
  });

  it('are all well: to wait for a place is no fault', async () => {
    for (const { mailboxId } of mailboxes) {
      const schedule = await hub.get<Schedule>(`/mailboxes/${mailboxId}/schedule`);
      expect(schedule).toMatchObject({ health: 'ok', workloads: { incoming: { consecutiveFailures: 0 } } });
    }
  });

  it('never have more than that at once, counted before the server', () => {
    expect(relay.highest()).toBeLessThanOrEqual(maxConnections);
    expect(relay.highest()).toBeGreaterThan(1);
  });
});
