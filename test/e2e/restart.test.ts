import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../local/emulator.ts';
import type { LocalCloud } from '../../local/local-cloud.ts';
import { startDeployedStack } from '../support/deployed-stack.ts';
import { eventually } from '../support/eventually.ts';
import type { FeedEvent, HubClient } from '../support/hub-client.ts';
import { deliverMessage, findMailUser, listMessages } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

type Email = {
  readonly id: string;
  readonly externalId: string | null;
  readonly status: string;
  readonly subject: string;
  readonly messageId: string;
};

const sendCountAtFirst = 40;
const sendCountInMidWork = 10;
const messageCount = 60;
const laterCount = 20;
// What is due while nothing runs comes back when the visibility of its message ends.
const laneTimeoutSeconds = 20;

let cloud: LocalCloud;
let emulator: Emulator;
let hub: HubClient;
let cursor: string;

const messageIdOf = (number: number): string => `<restart-${number}@client.example>`;

const deliver = async (from: number, to: number): Promise<void> => {
  for (let number = from; number < to; number += 1)
    await deliverMessage(cloud.environment.mail, {
      from: 'carl@client.example',
      to: 'user1@example.test',
      subject: `Number ${number}`,
      messageId: messageIdOf(number),
      text: 'Hello',
    });
};

const emailsOf = (direction: 'incoming' | 'outgoing'): Promise<readonly Email[]> =>
  readWholeList<Email>(hub, `/emails?direction=${direction}&fields=summary`);

const countWith = async (direction: 'incoming' | 'outgoing', status: string): Promise<number> =>
  (await emailsOf(direction)).filter((email) => email.status === status).length;

beforeAll(async () => {
  cloud = await startDeployedStack({
    logs: 'restart-logs',
    persist: true,
    context: { laneTimeoutSeconds: String(laneTimeoutSeconds), watchdogPeriodSeconds: '60' },
  });
  if (cloud.emulator === undefined)
    throw new Error('Only an emulator of our own can be stopped: unset AWS_ENDPOINT_URL.');
  emulator = cloud.emulator;
  const { environment } = cloud;
  ({ hub } = await createOrganization(environment, { kind: 'sandbox' }));
  await hub.patch('/settings', {
    schedule: { incoming: { seconds: 2 } },
    outgoing: { sandboxAllow: ['*'], allowUnresolvedRecipients: true },
  });
  const serverProfileId = await createServerProfile(hub, environment.mail);
  const mailUser = findMailUser(environment.mail, 'user1@example.test');
  await enableMailbox(hub, { serverProfileId, mailUser, externalId: 'u-1' });
  ({ cursor } = await hub.get<{ readonly cursor: string }>('/feed/head'));
});

afterAll(async () => {
  await cloud?.stop();
});

/** The mid of the work: some is done in both directions, and some is not. */
const untilInMidWork = async (): Promise<void> => {
  await eventually(
    async () => {
      const [sent, tracked] = [await countWith('outgoing', 'sent'), (await emailsOf('incoming')).length];
      return sent > 0 && tracked > 0 ? true : undefined;
    },
    { what: 'some Sends are sent and some messages tracked', seconds: 120 },
  );
};

describe('a stop and a start of the cloud in mid-work', () => {
  let sendCount = 0;
  let whileDown: { readonly status: number; readonly body: unknown };

  const send = (): Promise<unknown> => {
    const number = sendCount;
    sendCount += 1;
    return hub.post('/emails', {
      externalId: `e-${number}`,
      from: { owner: 'ext:u-1' },
      to: [{ address: 'user2@example.test' }],
      subject: `Offer ${number}`,
      body: { text: 'Hello' },
      send: true,
    });
  };

  beforeAll(async () => {
    const sendAtFirst = async (): Promise<void> => {
      while (sendCount < sendCountAtFirst) await send();
    };
    await Promise.all([sendAtFirst(), deliver(0, messageCount), untilInMidWork()]);
    // The hub may have sent them all by now: it is stopped while it has some left.
    do await Promise.all(Array.from({ length: sendCountInMidWork }, send));
    while ((await countWith('outgoing', 'sent')) === sendCount);
    await emulator.stop();
    whileDown = await hub.request('GET', '/health');
    await deliver(messageCount, messageCount + laterCount);
    await emulator.start();
  });

  it('is told to callers as unavailable', () => {
    expect(whileDown).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });

  it('loses no Send and makes none twice', async () => {
    const sent = await eventually(
      async () => {
        const emails = await emailsOf('outgoing');
        const isOver = emails.every(({ status }) => ['sent', 'failed', 'unconfirmed'].includes(status));
        return isOver ? emails : undefined;
      },
      { what: 'every Send has ended', seconds: 300, everyMilliseconds: 1000 },
    );
    expect(sent.map(({ externalId }) => externalId).sort()).toEqual(
      Array.from({ length: sendCount }, (_, index) => `e-${index}`).sort(),
    );
    expect(sent.filter(({ status }) => status === 'failed')).toEqual([]);
    const { mail } = cloud.environment;
    const recipient = findMailUser(mail, 'user2@example.test');
    const expected = sent.filter(({ status }) => status === 'sent').map(({ messageId }) => messageId);
    const inbox = await eventually(
      async () => {
        const found = (await listMessages(mail, recipient)).map(({ messageId }) => messageId ?? '');
        return expected.every((messageId) => found.includes(messageId)) ? found : undefined;
      },
      { what: 'every Send that was sent is in the Inbox' },
    );
    expect(new Set(inbox).size).toBe(inbox.length);
    // What was being handed over at the very moment may have arrived or not, and says so itself: one lane, one mail.
    expect(sent.length - expected.length).toBeLessThanOrEqual(1);
  });

  it('loses no message and tracks none twice', async () => {
    const all = Array.from({ length: messageCount + laterCount }, (_, number) => messageIdOf(number)).sort();
    const tracked = await eventually(
      async () => {
        const emails = await emailsOf('incoming');
        return emails.length >= all.length ? emails : undefined;
      },
      { what: 'every message is tracked', seconds: 300, everyMilliseconds: 1000 },
    );
    expect(tracked.map(({ messageId }) => messageId).sort()).toEqual(all);
  });

  it('leaves a feed without a gap, in which each ends once', async () => {
    const subjectsOf = (events: readonly FeedEvent[], ...types: readonly string[]): string[] =>
      events.filter(({ type }) => types.includes(type)).map(({ subject }) => subject.id);
    const endsIn = (events: readonly FeedEvent[]): string[] => subjectsOf(events, 'email.sent', 'email.unconfirmed');
    const trackedIn = (events: readonly FeedEvent[]): string[] => subjectsOf(events, 'email.tracked');
    const { events } = await hub.followFeed({
      cursor,
      until: (found) =>
        new Set(endsIn(found)).size >= sendCount && new Set(trackedIn(found)).size >= messageCount + laterCount,
      what: 'the end of every Send and every message tracked',
    });
    const first = events[0]?.sequence ?? 0;
    expect(events.map((event) => event.sequence - first)).toEqual(events.map((_, index) => index));
    expect(endsIn(events)).toHaveLength(sendCount);
    expect(trackedIn(events)).toHaveLength(messageCount + laterCount);
  });
});
