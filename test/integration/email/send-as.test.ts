import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { findOrigin } from './message-text.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** The organization has Anna, who sends by herself, and Ben, whose mailbox sends, too. */
beforeEach(async () => {
  organization = await world.createOrganization({ settings: { outgoing: { allowUnresolvedRecipients: true } } });
  const { call, id, profile } = organization;
  const ben = await call('PUT', '/users/ext:ben', { fullName: 'Ben', emailAddress: world.mailUser(3).address });
  await enableStoredMailbox(world.api.services, id, ben.body.mailboxId, {
    serverProfileId: profile.id,
    mailUser: world.mailUser(3),
    workloads: ['outgoing'],
  });
});

const send = (from: object, fields: object = {}) =>
  organization.call('POST', '/emails', {
    from,
    to: [{ address: world.mailUser(2).address }],
    subject: 'Our offer',
    send: true,
    ...fields,
  });

const allow = () => organization.call('PATCH', '/users/ext:anna', { allowSendAs: true });

describe('an email in the name of another user', () => {
  it('goes through the mailbox of who submits it, and the message says both', async () => {
    await allow();
    const { status, body } = await send({ owner: 'ext:anna', via: 'submitter', submitter: 'ext:ben' });
    const sent = await organization.runToEnd(body.id);
    const raw = await world.received(world.mailUser(2), sent.messageId);
    const message = findOrigin(raw);

    expect(status).toBe(202);
    expect(sent).toMatchObject({
      status: 'sent',
      from: { name: 'Anna', records: [{ externalId: 'anna' }] },
      sender: { name: 'Ben', records: [{ externalId: 'ben' }] },
      token: 'CRM:0001001',
    });
    expect(message.header('From')).toBe(`Anna <${world.mailUser(1).address}>`);
    expect(message.header('Sender')).toBe(`Ben <${world.mailUser(3).address}>`);
    // What cannot be delivered comes back to Ben.
    expect(raw.toString('latin1')).toContain(`Return-Path: <${world.mailUser(3).address}>`);
    expect(await world.countReceived(world.mailUser(3), sent.messageId, 'Sent')).toBe(1);
    expect(await world.countReceived(world.mailUser(1), sent.messageId, 'Sent')).toBe(0);
  });

  it('goes through that one’s own mailbox unless said otherwise, and names nobody else', async () => {
    await allow();
    const { body } = await send({ owner: 'ext:anna', submitter: 'ext:ben' });
    const sent = await organization.runToEnd(body.id);
    const message = findOrigin(await world.received(world.mailUser(2), sent.messageId));

    expect(sent.sender).toBeNull();
    expect(message.names).not.toContain('sender');
  });

  it('is refused where that user does not allow it, also when he takes it back after the draft', async () => {
    const from = { owner: 'ext:anna', via: 'submitter', submitter: 'ext:ben' };
    const refused = await send(from);
    await allow();
    const draft = await send(from, { send: false });
    await organization.call('PATCH', '/users/ext:anna', { allowSendAs: false });
    const late = await organization.call('POST', `/emails/${draft.body.id}/send`);

    expect([refused, late].map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'sendAsNotAllowed'],
      [403, 'sendAsNotAllowed'],
    ]);
    expect(draft.body).toMatchObject({ status: 'draft', sender: { name: 'Ben' } });
  });

  it('is sent by no user who may not, however the draft has become his', async () => {
    const { body: ben } = await organization.call('GET', '/users/ext:ben');
    const { body: signedIn } = await organization.call('POST', '/sessions', { userId: ben.id });
    const session = world.api.client(signedIn.token);
    const sendAs = (id: string) => session('POST', `/v1/emails/${id}/send`, { body: {} });
    const to = [{ address: world.mailUser(2).address }];
    const given = await organization.draft({ to, ownerId: 'ext:ben' });
    await allow();
    const written = await session('POST', '/v1/emails', { body: { from: { owner: 'ext:anna' }, to } });
    const allowed = await session('POST', '/v1/emails', { body: { from: { owner: 'ext:anna' }, to } });
    const first = await sendAs(allowed.body.id);
    await organization.call('PATCH', '/users/ext:anna', { allowSendAs: false });

    const answers = [await sendAs(given.id), await sendAs(written.body.id)];

    expect(first.status).toBe(202);
    for (const { status, body } of answers) expect([status, body.code]).toEqual([403, 'sendAsNotAllowed']);
    expect((await organization.call('POST', `/emails/${given.id}/send`)).status).toBe(202);
  });

  it('fails with sendAsDenied where the server does not let the login do it', async () => {
    await allow();
    // Ben's login is another than his address.
    await organization.call('PATCH', '/users/ext:ben', { emailAddress: world.mailUser(4).address });
    const ben = await organization.call('GET', '/users/ext:ben');
    await enableStoredMailbox(world.api.services, organization.id, ben.body.mailboxId, {
      serverProfileId: organization.profile.id,
      mailUser: world.mailUser(3),
      workloads: ['outgoing'],
    });
    const { body } = await send({ owner: 'ext:anna', via: 'submitter', submitter: 'ext:ben' });
    const failed = await organization.runToEnd(body.id);

    expect(failed).toMatchObject({ status: 'failed', delivery: { fault: { code: 'sendAsDenied' } } });
  });
});

describe('an email in the name of a queue', () => {
  it('may be submitted by its members alone', async () => {
    const { call } = organization;
    await call('PUT', '/queues/ext:sales', { name: 'Sales', emailAddress: 'sales@example.test' });
    const from = { owner: 'ext:sales', via: 'submitter', submitter: 'ext:ben' };
    const stranger = await send(from);
    const ben = await call('GET', '/users/ext:ben');
    await call('PATCH', '/queues/ext:sales', { memberIds: [ben.body.id] });
    const member = await send(from);
    const sent = await organization.runToEnd(member.body.id);

    expect([stranger.status, stranger.body.code]).toEqual([403, 'sendAsNotAllowed']);
    expect(sent).toMatchObject({ status: 'sent', from: { name: 'Sales' }, sender: { name: 'Ben' } });
  });
});
