import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createHubClient, type FeedEvent, type HubClient, type JsonObject } from '../support/hub-client.ts';
import { deliverMessage, findMailUser, listMessages } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

type Email = { readonly id: string; readonly messageId: string; readonly receivedByMailboxIds: readonly string[] };
type Decision = {
  readonly mailboxId: string;
  readonly messageId: string;
  readonly outcome: string;
  readonly emailId: string;
};

const messageCount = 200;
const cloud = inject('localCloud');
const addresses = ['user26@example.test', 'user27@example.test'] as const;
const messageIdOf = (number: number): string => `<shared-${number}@client.example>`;
const messageIds = Array.from({ length: messageCount }, (_, index) => messageIdOf(index)).sort();

let organizationId: string;
let hub: HubClient;
let mailboxIds: readonly string[];
let emails: readonly Email[];
let decisions: readonly Decision[];
let events: readonly FeedEvent<Email>[];

const deliverAll = async (): Promise<void> => {
  const numbers = messageIds.map((_, index) => index);
  const deliver = async (): Promise<void> => {
    for (let number = numbers.pop(); number !== undefined; number = numbers.pop())
      await deliverMessage(cloud.mail, {
        from: 'carl@client.example',
        to: [...addresses],
        subject: `For both of you ${number}`,
        messageId: messageIdOf(number),
        text: `Number ${number}`,
      });
  };
  await Promise.all([deliver(), deliver(), deliver(), deliver()]);
  for (const address of addresses)
    await eventually(
      async () =>
        (await listMessages(cloud.mail, findMailUser(cloud.mail, address))).length >= messageCount ? true : undefined,
      { what: `all messages are in the Inbox of ${address}`, seconds: 60 },
    );
};

/** Without those on the messages by which the mailboxes were tested. */
const decided = async (): Promise<readonly Decision[]> =>
  (await readWholeList<Decision>(hub, '/decisions')).filter(({ messageId }) => messageIds.includes(messageId));

beforeAll(async () => {
  ({ id: organizationId, hub } = await createOrganization(cloud, { kind: 'sandbox' }));
  const serverProfileId = await createServerProfile(hub, cloud.mail);
  const enabled = await Promise.all(
    addresses.map((address) =>
      enableMailbox(hub, { serverProfileId, mailUser: findMailUser(cloud.mail, address), externalId: address }),
    ),
  );
  mailboxIds = enabled.map(({ mailboxId }) => mailboxId);
  const { cursor } = await hub.get<{ readonly cursor: string }>('/feed/head');
  // Both are read while the messages arrive, and again and again.
  await hub.patch('/settings', { schedule: { incoming: { seconds: 1 } } });
  const synchronize = (mailboxId: string): Promise<JsonObject> => hub.post(`/mailboxes/${mailboxId}/sync`, {});
  await Promise.all([deliverAll(), ...mailboxIds.map(synchronize)]);
  await Promise.all(mailboxIds.map(synchronize));
  decisions = await eventually(
    async () => {
      const found = await decided();
      return found.length >= 2 * messageCount ? found : undefined;
    },
    { what: 'every message in both mailboxes is decided', seconds: 300, everyMilliseconds: 1000 },
  );
  emails = await readWholeList<Email>(hub, '/emails?direction=incoming&fields=summary');
  ({ events } = await hub.followFeed<Email>({
    cursor,
    types: 'email.*',
    until: (found) => new Set(found.map(({ subject, version }) => `${subject.id} ${version}`)).size >= 2 * messageCount,
    what: 'the feed tells of all messages',
  }));
});

afterAll(async () => {
  // Its timers would go on once a second.
  const operator = createHubClient(cloud.hubUrl, cloud.operatorKey);
  await operator.post(`/organizations/${organizationId}/suspend`, { reason: 'The test is over' });
});

describe(`${messageCount} messages to two mailboxes that share them`, () => {
  it('become one email each, which names both mailboxes', () => {
    expect(emails.map(({ messageId }) => messageId).sort()).toEqual(messageIds);
    for (const email of emails) expect([...email.receivedByMailboxIds].sort()).toEqual([...mailboxIds].sort());
  });

  it('are decided in each mailbox: tracked in the one, duplicate in the other', () => {
    expect(decisions).toHaveLength(2 * messageCount);
    for (const { id, messageId } of emails) {
      const own = decisions.filter((decision) => decision.messageId === messageId);
      expect(own.map(({ outcome }) => outcome).sort()).toEqual(['duplicate', 'tracked']);
      expect(own.map(({ emailId }) => emailId)).toEqual([id, id]);
      expect(own.map(({ mailboxId }) => mailboxId).sort()).toEqual([...mailboxIds].sort());
    }
  });

  it('are told once each in the feed as tracked', () => {
    const tracked = events.filter(({ type }) => type === 'email.tracked');
    expect(tracked.map(({ data }) => data.messageId).sort()).toEqual(messageIds);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });
});
