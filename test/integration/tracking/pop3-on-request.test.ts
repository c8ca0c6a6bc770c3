import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { appendMessage, listMessages, withMailbox } from '../../support/mailbox-client.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

let numbers = 0;
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** A message that has just come, by the clock of a server that goes a little fast. */
const arrived = (subject: string, at = new Date(Date.now() + 60_000)) => {
  numbers += 1;
  const messageId = `<asked-${numbers}.${process.pid}@client.example>`;
  const headers = ordinaryHeaders({ Subject: subject, 'Message-ID': messageId });
  const raw = `Received: from client.example by mx.example.test; ${at.toUTCString()}\r\n${buildMessage(headers, 'Hello\r\n')}`;
  return { raw, messageId };
};

/** A user who tracks answers only and whose mailbox Dovecot gives out by POP3, with mail that was skipped for that. */
const begin = async (number: number, ...subjects: readonly string[]) => {
  const mail = world.servers.environment;
  const pop3 = { kind: 'pop3Smtp', incoming: { protocol: 'pop3', ...mail.pop3 } };
  const organization = await world.createOrganization(mail, pop3);
  const mailUser = world.mailUser(number);
  const user = await organization.user(mailUser, { filtering: 'responses' });
  await organization.synchronize(user.mailboxId);
  const messages = subjects.map((subject) => arrived(subject));
  for (const { raw } of messages) await appendMessage(mail, mailUser, raw);
  await organization.synchronize(user.mailboxId);
  const decisionOf = async ({ messageId }: { readonly messageId: string }) =>
    (await organization.decisions(user.mailboxId)).find((decision) => decision['messageId'] === messageId);
  return { organization, mailUser, ...user, messages, decisionOf };
};

const carryOut = async ({ call }: IncomingOrganization, path: string, body: object) => {
  const accepted = await call('POST', path, body);
  expect(accepted.status).toBe(202);
  await world.runOperations();
  return (await call('GET', `/operations/${accepted.body.id}?wait=5`)).body;
};

const subjectsOf = async (organization: IncomingOrganization) =>
  (await organization.emails()).map(({ subject }) => subject).sort();

describe('a POP3 mailbox', () => {
  it('has messages tracked by their decision, once, wherever others stand in the list by then', async () => {
    const { organization, mailUser, mailboxId, messages, decisionOf } = await begin(1, 'first', 'wanted');
    const [, wanted] = messages;
    if (wanted === undefined) throw new Error('There are two messages');
    const path = `/decisions/${(await decisionOf(wanted))?.['id']}/track`;
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1');
    });

    const tracked = await carryOut(organization, path, {});
    const again = await carryOut(organization, path, {});
    await organization.synchronize(mailboxId);

    expect([tracked.status, tracked.result]).toMatchObject(['succeeded', { outcome: 'tracked' }]);
    expect(again.result).toMatchObject({ outcome: 'duplicate', emailId: tracked.result.emailId });
    expect(await subjectsOf(organization)).toEqual(['wanted']);
    expect(await decisionOf(wanted)).toMatchObject({
      outcome: 'tracked',
      uidl: expect.any(String),
      history: [{ outcome: 'skipped', code: 'filteredResponses' }],
    });
    expect(await listMessages(world.servers.environment, mailUser)).toHaveLength(1);
  });

  it('says when a message that is to be tracked is gone', async () => {
    const { organization, mailUser, messages, decisionOf } = await begin(2, 'gone');
    const [gone] = messages;
    if (gone === undefined) throw new Error('There is a message');
    const path = `/decisions/${(await decisionOf(gone))?.['id']}/track`;
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1');
    });

    expect(await carryOut(organization, path, {})).toMatchObject({ status: 'failed', fault: { code: 'messageGone' } });
  });

  it('has messages promoted by their Message-ID, also such as no cycle has seen', async () => {
    const { organization, mailUser, mailboxId, messages } = await begin(3, 'seen');
    const unseen = arrived('unseen', daysAgo(3));
    await appendMessage(world.servers.environment, mailUser, unseen.raw);
    const path = `/mailboxes/${mailboxId}/promote`;

    const results = [];
    for (const messageId of [messages[0]?.messageId, unseen.messageId])
      results.push(await carryOut(organization, path, { messageId }));
    const known = await organization.call('POST', path, { messageId: unseen.messageId });
    await organization.synchronize(mailboxId);

    expect(results.map(({ result }) => result.outcome)).toEqual(['tracked', 'tracked']);
    expect([known.status, known.body.subject]).toEqual([200, 'unseen']);
    expect(await subjectsOf(organization)).toEqual(['seen', 'unseen']);
  });

  it('has its decisions explained by the settings of today', async () => {
    const { organization, id, messages, decisionOf } = await begin(4, 'explained');
    const [message] = messages;
    if (message === undefined) throw new Error('There is a message');
    const before = await decisionOf(message);
    const explain = () => organization.call('POST', `/decisions/${before?.['id']}/explain`, {});

    const asItWas = await explain();
    await organization.call('PATCH', `/users/${id}`, { filtering: 'all' });
    const asItIs = await explain();

    expect([asItWas.status, asItWas.body.outcome, asItWas.body.code]).toEqual([200, 'skipped', 'filteredResponses']);
    expect([asItIs.body.outcome, asItIs.body.uidl]).toEqual(['tracked', before?.['uidl']]);
    expect(await decisionOf(message)).toEqual(before);
    expect(await organization.emails()).toEqual([]);
  });

  it('is reprocessed: skipped mail and mail from before the start of tracking, doubling nothing', async () => {
    const { organization, id, mailUser, mailboxId } = await begin(5, 'skipped');
    for (const [subject, days] of [
      ['old', 20],
      ['too old', 40],
    ] as const)
      await appendMessage(world.servers.environment, mailUser, arrived(subject, daysAgo(days)).raw);
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/users/${id}`, { filtering: 'all' });
    const path = `/mailboxes/${mailboxId}/reprocess`;

    const first = await carryOut(organization, path, { from: daysAgo(30).toISOString() });
    const second = await carryOut(organization, path, { from: daysAgo(30).toISOString() });
    await appendMessage(world.servers.environment, mailUser, arrived('new').raw);
    const cycle = await organization.synchronize(mailboxId);

    expect(first).toMatchObject({ status: 'succeeded', result: { seen: 2, tracked: 2, skipped: 0 } });
    expect(second.result).toMatchObject({ seen: 0, tracked: 0 });
    expect(cycle.lastCounts).toMatchObject({ seen: 1, tracked: 1 });
    expect(await subjectsOf(organization)).toEqual(['new', 'old', 'skipped']);
  });
});
