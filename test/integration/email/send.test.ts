import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findOrigin } from './message-text.ts';
import { type Body, type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.createOrganization();
  await organization.contact('carl', world.mailUser(2).address);
});

const toCarl = {
  to: [{ record: { type: 'contact', id: 'ext:carl' } }],
  subject: 'Our offer',
  body: { text: 'Dear Carl' },
};

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

describe('a Send', () => {
  it('goes from draft to sent, with its token, its Message-ID and what became of each recipient', async () => {
    const draft = await organization.draft({ ...toCarl, externalId: 'e-1' });
    const accepted = await organization.call('POST', `/emails/${draft.id}/send`, {});

    const sent = await organization.runToEnd(draft.id);

    expect(draft).toMatchObject({ status: 'draft', version: 1, externalId: 'e-1', messageId: null, token: null });
    expect(accepted).toMatchObject({
      status: 202,
      body: { id: draft.id, status: 'pendingSend', token: 'CRM:0001001' },
    });
    expect(sent).toMatchObject({
      status: 'sent',
      subject: 'Our offer CRM:0001001',
      body: { text: 'Dear Carl' },
      messageId: `<${draft.id}@example.test>`,
      to: [{ address: world.mailUser(2).address, name: 'carl', result: 'accepted', records: [{ externalId: 'carl' }] }],
      delivery: { attempts: 1, nextAttemptAt: null },
    });
    expect(sent.delivery).not.toHaveProperty('fault');
    expect(await organization.eventsOf(draft.id)).toEqual([
      'email.draftCreated',
      'email.pendingSend',
      'email.sending',
      'email.sent',
    ]);
    const message = findOrigin(await world.received(world.mailUser(2), sent.messageId));
    expect(message.header('Subject')).toBe('Our offer CRM:0001001');
    expect(message.header('From')).toBe('Anna <user1@example.test>');
    expect(message.header('To')).toBe('carl <user2@example.test>');
  });

  it('is accepted in one step with its creation, once per Idempotency-Key', async () => {
    const request = { from: { owner: 'ext:anna' }, ...toCarl, send: true };
    const key = { 'idempotency-key': 'offer-1' };
    const first = await organization.call('POST', '/emails', request, key);
    const again = await organization.call('POST', '/emails', request, key);
    const other = await organization.call('POST', '/emails', { ...request, subject: 'Another' }, key);

    const sent = await organization.runToEnd(first.body.id);

    expect(first).toMatchObject({ status: 202, headers: { location: `/v1/emails/${first.body.id}` } });
    expect(first.body.status).toBe('pendingSend');
    expect(again).toMatchObject({
      status: 202,
      headers: { 'idempotent-replayed': 'true' },
      body: { id: first.body.id },
    });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotencyKeyReused' } });
    expect(await organization.eventsOf(first.body.id)).toEqual([
      'email.draftCreated',
      'email.pendingSend',
      'email.sending',
      'email.sent',
    ]);
    await world.received(world.mailUser(2), sent.messageId);
    const { body } = await organization.call('GET', '/emails?direction=outgoing');
    expect(body.data).toHaveLength(1);
  });

  it('goes out even when the API died before it woke the lane', async () => {
    const { queues } = world.api.services;
    const { send } = queues;
    Object.assign(queues, { send: () => Promise.reject(new Error('killed')) });
    const { id } = await organization.send(toCarl);
    Object.assign(queues, { send });

    // The feed function reads the stream, which tells of the entry in the outbox.
    expect(await organization.eventsOf(id)).toEqual(['email.draftCreated', 'email.pendingSend']);

    expect(await organization.runToEnd(id)).toMatchObject({ status: 'sent' });
  });

  it('is refused a second time, whatever became of the first, and nothing is sent twice', async () => {
    const draft = await organization.draft(toCarl);
    const calls = await Promise.all([1, 2, 3].map(() => organization.call('POST', `/emails/${draft.id}/send`, {})));
    const sent = await organization.runToEnd(draft.id);
    const late = await organization.call('POST', `/emails/${draft.id}/send`, {});

    while ((await world.runLane()) > 0);

    expect(calls.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    expect(late).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    await world.received(world.mailUser(2), sent.messageId);
  });

  it('only marks the email as sent when issueSend is false', async () => {
    const draft = await organization.draft(toCarl);

    const { status, body } = await organization.call('POST', `/emails/${draft.id}/send`, { issueSend: false });

    while ((await world.runLane()) > 0);
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'sent', messageId: null, delivery: { attempts: 0 } });
    expect((await organization.call('POST', `/emails/${draft.id}/send`, {})).status).toBe(409);
  });

  it('waits for the time that it is to be sent at', async () => {
    const sendAt = inSeconds(6);
    const accepted = await organization.send({ ...toCarl, sendAt });

    const sent = await organization.runToEnd(accepted.id);

    expect(accepted).toMatchObject({ status: 'pendingSend', sendAt, delivery: { nextAttemptAt: sendAt } });
    expect(Date.parse(sent.sentAt)).toBeGreaterThanOrEqual(Date.parse(sendAt));
    const message = findOrigin(await world.received(world.mailUser(2), sent.messageId));
    expect(Date.parse(message.header('Date'))).toBe(Math.floor(Date.parse(sendAt) / 1000) * 1000);
  });

  it('waits for days, while later ones go out, and holds no place meanwhile', async () => {
    const sendAt = inSeconds(5 * 86_400);
    const waiting = await organization.send({ ...toCarl, sendAt });
    const other = await organization.runToEnd((await organization.send(toCarl)).id);
    while ((await world.runLane()) > 0);

    const { body } = await organization.call('GET', `/mailboxes/${organization.sender.mailboxId}/schedule`);

    expect(other.status).toBe('sent');
    expect(await organization.email(waiting.id)).toMatchObject({
      status: 'pendingSend',
      delivery: { attempts: 0, nextAttemptAt: sendAt },
    });
    expect(body.workloads.outgoing).toMatchObject({ phase: 'armed', nextRunAt: sendAt, reason: 'laterSend' });
  });

  it('takes sendAt of the request before that of the draft', async () => {
    const draft = await organization.draft({ ...toCarl, sendAt: inSeconds(86_400) });

    const { body } = await organization.call('POST', `/emails/${draft.id}/send`, { sendAt: null });

    expect(body).toMatchObject({ status: 'pendingSend', sendAt: null, delivery: { nextAttemptAt: null } });
    expect(await organization.runToEnd(draft.id)).toMatchObject({ status: 'sent' });
  });

  it('can be called back within undoSeconds, and goes out after them', async () => {
    await organization.settings({ outgoing: { undoSeconds: 3 } });
    const regretted = await organization.send(toCarl);
    const meant = await organization.send(toCarl);

    const canceled = await organization.call('POST', `/emails/${regretted.id}/cancel`);
    const sent = await organization.runToEnd(meant.id);

    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(Date.parse(sent.sentAt) - Date.parse(meant.createdAt)).toBeGreaterThanOrEqual(3_000);
    expect(await world.countReceived(world.mailUser(2), regretted.messageId)).toBe(0);
    expect(await organization.eventsOf(regretted.id)).toContain('email.canceled');
  });

  it('is not sent any more once cancelled, which may be said twice', async () => {
    const waiting = await organization.send({ ...toCarl, sendAt: inSeconds(86_400) });
    const path = `/emails/${waiting.id}`;

    const first = await organization.call('POST', `${path}/cancel`);
    const second = await organization.call('POST', `${path}/cancel`);

    expect(first).toMatchObject({ status: 200, body: { status: 'canceled', delivery: { nextAttemptAt: null } } });
    expect(second).toMatchObject({ status: 200, body: { status: 'canceled', version: first.body.version } });
    for (const verb of ['send', 'retry', 'mark-sent'])
      expect(await organization.call('POST', `${path}/${verb}`)).toMatchObject({
        status: 409,
        body: { code: 'invalidState' },
      });
  });

  it('cannot be cancelled when it is sent, or before it is', async () => {
    const sent = await organization.send(toCarl);
    await organization.runToEnd(sent.id);
    const draft = await organization.draft(toCarl);

    const late = await organization.call('POST', `/emails/${sent.id}/cancel`);
    const early = await organization.call('POST', `/emails/${draft.id}/cancel`);

    expect(late).toMatchObject({ status: 409, body: { code: 'alreadySent' } });
    expect(early).toMatchObject({ status: 409, body: { code: 'invalidState' } });
  });

  it('goes out by priority, then by acceptance', async () => {
    const sent: Body[] = [];
    for (const priority of ['low', 'normal', 'high', 'high'])
      sent.push(await organization.send({ ...toCarl, priority }));

    const done: Body[] = [];
    for (const { id } of sent) done.push(await organization.runToEnd(id));

    const order = [...done].sort((one, other) => Date.parse(one.sentAt) - Date.parse(other.sentAt));
    expect(order.map(({ id }) => done.findIndex((one) => one.id === id))).toEqual([2, 3, 1, 0]);
  });

  it('counts tokens up by sender', async () => {
    const first = await organization.send(toCarl);
    const second = await organization.send(toCarl);

    expect([first.token, second.token]).toEqual(['CRM:0001001', 'CRM:0001002']);
    await organization.settings({ correlation: { token: { enabled: false } } });
    expect(await organization.send(toCarl)).toMatchObject({ token: null, subject: 'Our offer' });
  });
});
