import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailUser } from '../../../local/mail-environment.ts';
import { appendMessage, withMailbox } from '../../support/mailbox-client.ts';
import { storeSentEmail } from '../../support/sent-email.ts';
import { compose } from './compose.ts';
import { closeFolder } from './fill-inbox.ts';
import { type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

const append = (mailUser: MailUser, fields?: Readonly<Record<string, string>>, folder = 'INBOX') =>
  appendMessage(world.servers.environment, mailUser, compose(fields), { folder });

describe('an unknown sender', () => {
  it('becomes one contact, however many messages and mailboxes bring it', async () => {
    const organization = await world.createOrganization();
    const [one, other] = [world.nextMailUser(), world.nextMailUser()];
    const mailboxes = [await organization.user(one), await organization.user(other)];
    for (const mailUser of [one, one, other]) await append(mailUser, { From: 'Nora New <nora@new.example>' });

    await Promise.all(mailboxes.map(({ mailboxId }) => organization.synchronize(mailboxId)));

    const { body } = await organization.call('GET', '/records/contact?email=nora@new.example');
    expect(body.data).toMatchObject([
      { displayName: 'Nora New', origin: 'mailbox', externalId: null, emails: [{ address: 'nora@new.example' }] },
    ]);
    const emails = await organization.emails();
    expect(emails).toHaveLength(3);
    for (const { from } of emails) expect(from.records).toMatchObject([{ type: 'contact', id: body.data[0].id }]);
  });

  it('becomes another contact when the one of today has got another address since', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const find = async (address: string) => (await organization.call('GET', `/records/contact?email=${address}`)).body;
    for (const rest of [3, 2, 1]) {
      await append(mailUser, { From: 'Nora New <nora@new.example>' });
      await organization.synchronize(mailboxId);
      const [{ id }] = (await find('nora@new.example')).data;
      const emails = [{ address: `nora${rest}@right.example` }];
      await organization.call('PATCH', `/records/contact/${id}`, { emails });
    }

    await append(mailUser, { From: 'Nora New <nora@new.example>' });
    const { consecutiveFailures } = await organization.synchronize(mailboxId);

    expect([consecutiveFailures, (await organization.emails()).length]).toEqual([0, 4]);
    expect((await organization.call('GET', '/records/contact')).body.data).toHaveLength(4);
  });

  it('becomes a contact that the CRM can take over, also where the address is none by the rules', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await append(mailUser, { From: 'Taro <taro..yamada@new.example>' });
    await organization.synchronize(mailboxId);
    const [contact] = (await organization.call('GET', '/records/contact')).body.data;

    const { status, body } = await organization.call('PATCH', `/records/contact/${contact.id}`, { externalId: 'c-1' });

    expect([status, body.externalId]).toEqual([200, 'c-1']);
    expect(body.emails).toEqual([{ address: 'taro..yamada@new.example', primary: true }]);
  });

  it('becomes none where the organization does not want it, or where a program sent the message', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await append(mailUser, { From: 'Robot <robot@new.example>', 'Auto-Submitted': 'auto-replied' });
    await organization.synchronize(mailboxId);
    await organization.settings({ autoCreate: { enabled: false } });
    await append(mailUser, { From: 'Nobody <nobody@new.example>' });
    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toHaveLength(2);
    expect((await organization.call('GET', '/records/contact')).body.data).toEqual([]);
  });
});

describe('the Sent folder', () => {
  it('is looked at when the organization wants it; what the hub itself sent is not doubled', async () => {
    const organization = await world.createOrganization();
    await organization.settings({ tracking: { sentItems: true } });
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const messageId = `<hub.${process.pid}@example.test>`;
    const from = { address: mailUser.address, records: [] };
    const sent = await storeSentEmail(world.api.services, organization.id, { messageId, from, mailboxId });
    await append(mailUser, { From: mailUser.address, To: 'carl@client.example', Subject: 'By hand' }, 'Sent');
    await append(mailUser, { From: mailUser.address, To: 'carl@client.example', 'Message-ID': messageId }, 'Sent');

    await organization.synchronize(mailboxId);

    const emails = await organization.emails();
    expect(emails.map(({ direction, status, subject }) => [direction, status, subject]).sort()).toEqual([
      ['outgoing', 'sent', 'By hand'],
      ['outgoing', 'sent', 'Our offer'],
    ]);
    const outcomes = (await organization.decisions(mailboxId)).map(({ folder, outcome, emailId }) => [
      folder,
      outcome,
      emailId === sent.id,
    ]);
    expect(outcomes.sort()).toEqual([
      ['Sent', 'duplicate', true],
      ['Sent', 'tracked', false],
    ]);
  });

  it('stops no other mail while the server refuses it, and is read from where it stood afterwards', async () => {
    const organization = await world.createOrganization();
    await organization.settings({ tracking: { sentItems: true } });
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const sent = { From: mailUser.address, To: 'carl@client.example' };
    const subjects = async () => (await organization.emails()).map(({ subject }) => subject).sort();
    const alerts = async () => (await organization.call('GET', '/alerts?status=open')).body.data;
    await append(mailUser, { ...sent, Subject: 'Sent before' }, 'Sent');
    await organization.synchronize(mailboxId);
    await append(mailUser, { ...sent, Subject: 'Sent meanwhile' }, 'Sent');
    const open = closeFolder(world.servers, mailUser, 'Sent');
    await withMailbox(world.servers.environment, mailUser, (client) => client.mailboxCreate('Projects'));
    await organization.call('POST', `/mailboxes/${mailboxId}/folder-rules`, { folderId: 'Projects' });
    await append(mailUser, { Subject: 'Received' }, 'Projects');

    const { consecutiveFailures } = await organization.synchronize(mailboxId);

    expect([consecutiveFailures, await subjects()]).toEqual([0, ['Received', 'Sent before']]);
    expect(await alerts()).toMatchObject([{ code: 'folderRefused', level: 'warning', subject: { id: mailboxId } }]);
    open();
    await organization.synchronize(mailboxId);
    expect(await subjects()).toEqual(['Received', 'Sent before', 'Sent meanwhile']);
    expect(await alerts()).toEqual([]);
  });
});

describe('mail between users', () => {
  it.each([
    [true, 2],
    [false, 1],
  ])('with two activities %s gives %i emails, and the own copy none', async (twoActivities, count) => {
    const organization = await world.createOrganization();
    await organization.settings({ internalMail: { twoActivities } });
    const [anna, ben] = [world.nextMailUser(), world.nextMailUser()];
    const annas = await organization.user(anna);
    const bens = await organization.user(ben);
    const messageId = `<internal.${count}.${process.pid}@example.test>`;
    const from = { address: anna.address, records: [{ type: 'user', id: annas.id }] };
    await storeSentEmail(world.api.services, organization.id, { messageId, from, mailboxId: annas.mailboxId });
    const fields = { From: anna.address, To: ben.address, 'Message-ID': messageId };
    await append(ben, fields);
    await append(anna, fields);

    for (const { mailboxId } of [annas, bens]) await organization.synchronize(mailboxId);

    expect(await organization.emails()).toHaveLength(count);
    expect((await organization.decisions(annas.mailboxId))[0]).toMatchObject({
      outcome: 'skipped',
      code: 'internalCopy',
    });
  });
});

describe('mail between users that was not sent through the hub', () => {
  it.each([
    ['the colleague’s copy', ['ben', 'anna']],
    ['the Sent folder', ['anna', 'ben']],
  ] as const)('is one email where internal mail is to give one, also when %s is read first', async (_first, order) => {
    const organization = await world.createOrganization();
    await organization.settings({ internalMail: { twoActivities: false }, tracking: { sentItems: true } });
    const [anna, ben] = [world.nextMailUser(), world.nextMailUser()];
    const mailboxes = { anna: await organization.user(anna), ben: await organization.user(ben) };
    for (const { mailboxId } of Object.values(mailboxes)) await organization.synchronize(mailboxId);
    const fields = {
      From: anna.address,
      To: ben.address,
      Date: new Date().toUTCString(),
      'Message-ID': `<by-hand.${order[0]}.${process.pid}@example.test>`,
    };
    await append(ben, fields);
    await append(anna, fields, 'Sent');

    for (const name of order) await organization.synchronize(mailboxes[name].mailboxId);

    const [email, ...others] = await organization.emails();
    expect(others).toEqual([]);
    expect(email?.receivedByMailboxIds).toEqual(order[0] === 'ben' ? [mailboxes.ben.mailboxId] : []);
    const [second] = await organization.decisions(mailboxes[order[1]].mailboxId);
    expect(second).toMatchObject(
      order[0] === 'ben' ? { outcome: 'duplicate', emailId: email?.id } : { outcome: 'skipped', code: 'internalCopy' },
    );
  });
});

describe('a queue', () => {
  it('gets an item for each message, and its owner owns the email', async () => {
    const organization = await world.createOrganization();
    const owner = (await organization.call('POST', '/users', { fullName: 'Olga' })).body;
    const mailUser = world.nextMailUser();
    const queue = await organization.queue(mailUser, { ownerId: owner.id });
    await append(mailUser, { To: mailUser.address });

    await organization.synchronize(queue.mailboxId);

    expect(await organization.emails()).toMatchObject([
      { ownerId: owner.id, queueIds: [queue.id], acceptedBy: { type: 'queue', id: queue.id } },
    ]);
  });
});

describe('observing', () => {
  it('decides about every message and writes no record', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, {}, {});
    await world.observe(organization.id, mailboxId);
    await append(mailUser);

    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toEqual([]);
    expect((await organization.call('GET', '/records/contact')).body.data).toEqual([]);
    expect(await organization.decisions(mailboxId)).toMatchObject([{ outcome: 'tracked', emailId: null }]);
  });
});
