import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** The outgoing mail of the user is delivered by the mail program on the user's own computer. */
beforeEach(async () => {
  organization = await world.createOrganization({ settings: { outgoing: { allowUnresolvedRecipients: true } } });
  const { call, sender } = organization;
  await call('PATCH', `/mailboxes/${sender.mailboxId}`, { workloads: { outgoing: { method: 'client' } } });
});

const send = (fields: object = {}) =>
  organization.send({ to: [{ address: world.mailUser(2).address }], subject: 'Our offer', ...fields });

const comeForward = (clientId: string, confirm?: boolean) =>
  organization.call('PUT', `/mailboxes/${organization.sender.mailboxId}/synchronizing-client`, {
    clientId,
    ...(confirm === undefined ? {} : { confirm }),
  });

const report = (emailId: string, event: string, fields: object = {}) =>
  organization.call('POST', `/emails/${emailId}/client-delivery`, { clientId: 'desk', event, ...fields });

const openAlerts = async () => (await organization.call('GET', '/alerts?status=open')).body.data;

describe('a mailbox whose outgoing method is client', () => {
  it('keeps its Sends for the mail program: no lane takes them', async () => {
    const email = await send();
    await world.runLane();
    const waiting = await organization.call(
      'GET',
      `/emails?mailboxId=${organization.sender.mailboxId}&status=pendingSend`,
    );

    expect(waiting.body.data).toMatchObject([{ id: email.id, status: 'pendingSend', body: {} }]);
    expect(await world.countReceived(world.mailUser(2), email.messageId)).toBe(0);
  });

  it('tells how the mail program is getting on, once for each report however often it comes', async () => {
    await comeForward('desk');
    const email = await send();
    const started = await report(email.id, 'started');
    await report(email.id, 'started');
    const late = await organization.call('POST', `/emails/${email.id}/cancel`);
    const sent = await report(email.id, 'sent', { messageId: 'outlook-1@contoso.example' });
    const again = await report(email.id, 'sent', { messageId: 'outlook-1@contoso.example' });
    const found = await organization.call('GET', '/emails?messageId=outlook-1@contoso.example');

    expect([started.status, started.body.status, started.body.delivery.attempts]).toEqual([200, 'sending', 1]);
    expect([late.status, late.body.code]).toEqual([409, 'alreadySending']);
    expect(sent.body).toMatchObject({
      status: 'sent',
      messageId: '<outlook-1@contoso.example>',
      to: [{ result: 'accepted' }],
      delivery: { sentCopy: 'none' },
    });
    expect(again.body.version).toBe(sent.body.version);
    expect(found.body.data).toMatchObject([{ id: email.id }]);
    expect(await organization.eventsOf(email.id)).toEqual([
      'email.draftCreated',
      'email.pendingSend',
      'email.sending',
      'email.sent',
    ]);
  });

  it('takes a report without a start for what it says, so that nothing is sent again', async () => {
    await comeForward('desk');
    const email = await send();
    const sent = await report(email.id, 'sent');

    expect([sent.body.status, sent.body.messageId]).toEqual(['sent', email.messageId]);
  });

  it('shows why the mail program failed, and a retry waits for it anew', async () => {
    await comeForward('desk');
    const email = await send();
    await report(email.id, 'started');
    const failed = await report(email.id, 'failed', { fault: { code: 'senderRejected', detail: 'No right' } });
    const alerts = await openAlerts();
    const retried = await organization.call('POST', `/emails/${email.id}/retry`);
    const sent = await report(email.id, 'sent');

    expect(failed.body).toMatchObject({
      status: 'failed',
      delivery: { fault: { code: 'senderRejected', detail: 'No right' } },
    });
    expect(alerts).toMatchObject([{ code: 'senderRejected', subject: { id: email.id } }]);
    expect([retried.status, retried.body.status, sent.body.status]).toEqual([202, 'pendingSend', 'sent']);
    expect(await openAlerts()).toEqual([]);
  });

  it('may not be delivered before its time', async () => {
    await comeForward('desk');
    const email = await send({ sendAt: new Date(Date.now() + 3_600_000).toISOString() });
    const early = await report(email.id, 'started');

    expect([early.status, early.body.code]).toEqual([409, 'invalidState']);
    expect((await organization.email(email.id)).status).toBe('pendingSend');
  });
});

describe('the synchronizing client', () => {
  it('is one at a time, and another one takes over only where it confirms that', async () => {
    const first = await comeForward('desk');
    const same = await comeForward('desk');
    const other = await comeForward('laptop');
    const confirmed = await comeForward('laptop', true);
    const shown = await organization.call('GET', `/mailboxes/${organization.sender.mailboxId}`);

    expect([first.status, first.body.clientId]).toEqual([200, 'desk']);
    expect(same.headers['etag']).toBe(first.headers['etag']);
    expect([other.status, other.body.code]).toEqual([409, 'otherClientSynchronizing']);
    expect([confirmed.status, confirmed.body.clientId]).toEqual([200, 'laptop']);
    expect(shown.body.synchronizingClient).toMatchObject({ clientId: 'laptop' });
  });

  it('alone delivers', async () => {
    const email = await send();
    const nobody = await report(email.id, 'started');
    await comeForward('laptop');
    const other = await report(email.id, 'started');

    expect([nobody.status, nobody.body.code]).toEqual([409, 'notSynchronizingClient']);
    expect([other.status, other.body.code]).toEqual([409, 'notSynchronizingClient']);
  });

  it('leaves what it had begun in doubt to whoever takes over, who may learn its end', async () => {
    await comeForward('desk');
    const [begun, waiting] = [await send(), await send({ subject: 'Another offer' })];
    await report(begun.id, 'started');
    await comeForward('laptop', true);
    const doubted = await organization.email(begun.id);
    const sent = await report(begun.id, 'sent', { clientId: 'laptop' });

    expect([doubted.status, doubted.delivery.fault.code]).toEqual(['unconfirmed', 'deliveryUnconfirmed']);
    expect((await organization.email(waiting.id)).status).toBe('pendingSend');
    expect([sent.status, sent.body.status, sent.body.to[0].result]).toEqual([200, 'sent', 'accepted']);
    expect(await openAlerts()).toEqual([]);
  });

  it('files by itself what a person knows to have arrived', async () => {
    await comeForward('desk');
    const { id } = await send();
    await report(id, 'started');
    await comeForward('laptop', true);

    const { status, body } = await organization.call('POST', `/emails/${id}/mark-sent`);

    expect([status, body.status, body.delivery.sentCopy]).toEqual([200, 'sent', 'none']);
  });

  it('needs a mailbox whose method is client, and ends with it: the lane sends what waits', async () => {
    await comeForward('desk');
    const [begun, waiting] = [await send(), await send({ subject: 'Another offer' })];
    await report(begun.id, 'started');
    const { call, sender, id, profile } = organization;
    await call('PATCH', `/mailboxes/${sender.mailboxId}`, { workloads: { outgoing: { method: 'serverSideSync' } } });
    const refused = await comeForward('desk');
    await enableStoredMailbox(world.api.services, id, sender.mailboxId, {
      serverProfileId: profile.id,
      mailUser: sender.mailUser,
      workloads: ['outgoing'],
    });
    const sent = await organization.runToEnd(waiting.id);
    const shown = await call('GET', `/mailboxes/${sender.mailboxId}`);

    expect([refused.status, refused.body.code]).toEqual([409, 'invalidState']);
    expect(shown.body.synchronizingClient).toBeNull();
    expect(sent.status).toBe('sent');
    await world.received(world.mailUser(2), sent.messageId);
    expect((await organization.email(begun.id)).status).toBe('unconfirmed');
  });
});

describe('a mailbox that only a mail program can reach', () => {
  it('has messages promoted by their upload', async () => {
    const { call, sender } = organization;
    await call('PATCH', `/mailboxes/${sender.mailboxId}`, {
      serverProfileId: null,
      workloads: { incoming: { method: 'client' } },
    });
    const path = `/mailboxes/${sender.mailboxId}/promote`;
    const byName = await call('POST', path, { messageId: 'offer-7@client.example' });
    const byUpload = await call('POST', path, { upload: { sizeBytes: 400 } });

    expect([byName.status, byName.body.code]).toEqual([409, 'invalidState']);
    expect(byName.body.fix).toContain('upload');
    expect([byUpload.status, byUpload.body.upload.method]).toEqual([202, 'PUT']);
  });
});
