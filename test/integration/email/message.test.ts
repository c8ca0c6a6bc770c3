import { randomBytes } from 'node:crypto';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findOrigin, readComposed } from './message-text.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';
import { storeIncomingEmail } from './stored-email.ts';

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
  await organization.contact('clara', world.mailUser(3).address);
  await organization.contact('colin', world.mailUser(4).address);
});

const contact = (id: string) => ({ record: { type: 'contact', id: `ext:${id}` } });

const sendAndReceive = async (fields: object) => {
  const { id } = await organization.send(fields);
  const sent = await organization.runToEnd(id);
  return { sent, message: findOrigin(await world.received(world.mailUser(2), sent.messageId)) };
};

const downloadRaw = async (id: string): Promise<Buffer> => {
  const { status, headers } = await organization.call('GET', `/emails/${id}/raw`);
  if (status !== 302) throw new Error(`raw answered ${status}`);
  const answer = await fetch(headers['location'] ?? '');
  expect(answer.headers.get('content-type')).toBe('message/rfc822');
  return Buffer.from(await answer.arrayBuffer());
};

describe('the message that is sent', () => {
  it('is byte for byte what raw shows, what the recipient gets and what stands in the Sent folder', async () => {
    const { sent, message } = await sendAndReceive({
      to: [contact('carl')],
      subject: 'Grüße aus Zürich – 東京',
      body: { text: 'Zeile 1\n.\n..\nFrom here\r\nläuft es', html: '<p>Zeile 1</p>\n.\n<p>läuft es</p>' },
    });

    const raw = await downloadRaw(sent.id);

    expect(message.raw.equals(raw)).toBe(true);
    expect(sent.sizeBytes).toBe(raw.length);
    const copy = await world.received(organization.sender.mailUser, sent.messageId, 'Sent');
    expect(copy.equals(raw)).toBe(true);
    const parsed = await simpleParser(raw);
    expect(parsed.subject).toBe('Grüße aus Zürich – 東京 CRM:0001001');
    expect(parsed.text?.trimEnd()).toBe('Zeile 1\n.\n..\nFrom here\nläuft es');
    expect(parsed.html).toContain('läuft es');
  });

  it('carries attachments and inline images exactly as they were given', async () => {
    const small = randomBytes(50_000);
    const large = randomBytes(1_500_000);
    const draft = await organization.draft({
      to: [contact('carl')],
      subject: 'Plans',
      body: { html: '<img src="cid:logo@hub">' },
    });
    const path = `/emails/${draft.id}/attachments`;
    await organization.call('POST', path, {
      fileName: 'Plan für Zürich.bin',
      contentType: 'application/octet-stream',
      contentBase64: small.toString('base64'),
    });
    const { body } = await organization.call('POST', path, {
      fileName: 'logo.png',
      contentType: 'image/png',
      sizeBytes: large.length,
      contentId: 'logo@hub',
    });
    await fetch(body.upload.url, { method: body.upload.method, headers: body.upload.headers, body: large });
    await organization.call('POST', `/emails/${draft.id}/send`);

    const sent = await organization.runToEnd(draft.id);

    const parsed = await simpleParser(await world.received(world.mailUser(2), sent.messageId));
    const files = parsed.attachments.map(({ filename, contentType, cid, content }) => ({
      filename,
      contentType,
      cid,
      same: content.equals(content.length === small.length ? small : large),
    }));
    expect(files).toEqual([
      { filename: 'logo.png', contentType: 'image/png', cid: 'logo@hub', same: true },
      { filename: 'Plan für Zürich.bin', contentType: 'application/octet-stream', cid: undefined, same: true },
    ]);
    expect(sent.attachments.map(({ state }: { state: string }) => state)).toEqual(['ready', 'ready']);
  });

  it('goes to Bcc recipients and names them nowhere', async () => {
    const { sent, message } = await sendAndReceive({
      to: [contact('carl')],
      cc: [contact('clara')],
      bcc: [contact('colin')],
      subject: 'Quiet',
    });

    const hidden = await world.received(world.mailUser(4), sent.messageId);

    expect(sent.bcc).toMatchObject([{ address: world.mailUser(4).address, result: 'accepted' }]);
    expect(message.names).not.toContain('bcc');
    expect(message.raw.includes(world.mailUser(4).address)).toBe(false);
    expect(findOrigin(hidden).raw.equals(message.raw)).toBe(true);
  });

  it('shows an empty group where all recipients are hidden', async () => {
    const { message } = await sendAndReceive({ bcc: [contact('carl')], subject: 'Quiet' });

    expect(message.header('To')).toBe('Undisclosed recipients:;');
  });

  it('cuts a long subject so that the token stands at its end, within 255 characters', async () => {
    const { sent, message } = await sendAndReceive({ to: [contact('carl')], subject: 'a'.repeat(400) });

    expect(sent.subject).toHaveLength(255);
    expect(sent.subject.endsWith(' CRM:0001001')).toBe(true);
    expect(message.header('Subject').replaceAll(' ', '')).toBe(sent.subject.replaceAll(' ', ''));
  });

  it('asks for receipts and carries headers of the caller', async () => {
    const { message } = await sendAndReceive({
      to: [contact('carl')],
      replyTo: [{ address: 'sales@contoso.example', name: 'Sales' }],
      subject: 'Offer',
      readReceipt: true,
      headers: { 'X-Campaign': 'Frühling 2026' },
    });

    expect(message.header('Disposition-Notification-To')).toContain('user1@example.test');
    expect(message.header('Reply-To')).toBe('Sales <sales@contoso.example>');
    expect(message.header('X-Campaign')).toBe('=?UTF-8?Q?Fr=C3=BChling_2026?=');
  });

  it('cannot be given further headers by the name of a record', async () => {
    await organization.contact('eve', world.mailUser(2).address, {
      displayName: 'Eve\r\nBcc: user5@example.test\r\n\r\nhidden body',
    });

    const { message } = await sendAndReceive({ to: [contact('eve')], subject: 'Hello', body: { text: 'Visible' } });

    expect(message.names).not.toContain('bcc');
    expect(readComposed(message.raw).header('Subject')).toBe('Hello CRM:0001001');
    expect((await simpleParser(message.raw)).text?.trim()).toBe('Visible');
  });
});

describe('a reply', () => {
  it('goes to who wrote, within the thread, about the same record', async () => {
    const offer = await organization.call('PUT', '/records/lead/ext:l-1', { displayName: '500 chairs' });
    const parent = await storeIncomingEmail(world.api.services, organization, {
      messageId: '<q-2@client.example>',
      references: ['<q-1@client.example>'],
      from: { address: world.mailUser(2).address, name: 'Carl', records: [] },
      subject: 'Your offer CRM:0001777',
      regarding: { type: 'lead', id: offer.body.id },
    });

    const { sent, message } = await sendAndReceive({ inReplyTo: parent.id, body: { text: 'Thank you' } });

    expect(sent).toMatchObject({
      to: [{ address: world.mailUser(2).address, name: 'Carl', records: [{ externalId: 'carl' }] }],
      subject: 'Re: Your offer CRM:0001001',
      regarding: { type: 'lead', id: offer.body.id },
      inReplyTo: parent.id,
      conversationId: parent.conversationId,
      correlation: { method: 'inReplyTo', emailId: parent.id },
    });
    expect(message.header('In-Reply-To')).toBe('<q-2@client.example>');
    expect(message.header('References')).toBe('<q-1@client.example> <q-2@client.example>');
  });

  it('to an email of our own goes on in its thread, to its recipients', async () => {
    const first = await organization.send({ to: [contact('carl')], subject: 'Our offer' });
    await organization.runToEnd(first.id);

    const { sent, message } = await sendAndReceive({ inReplyTo: first.id });

    // The same token: a subject that differs by it would begin another conversation in Gmail.
    expect(sent).toMatchObject({
      subject: 'Re: Our offer CRM:0001001',
      token: 'CRM:0001001',
      to: [{ address: world.mailUser(2).address }],
    });
    expect(message.header('In-Reply-To')).toBe(first.messageId);
    expect(message.header('References')).toBe(first.messageId);
  });

  it('refers to the draft that it answers once that one is sent', async () => {
    const first = await organization.draft({ to: [contact('carl')], subject: 'Our offer' });
    const answer = await organization.draft({ inReplyTo: first.id });
    await organization.call('POST', `/emails/${first.id}/send`);
    const { messageId } = await organization.runToEnd(first.id);
    await organization.call('POST', `/emails/${answer.id}/send`);
    const sent = await organization.runToEnd(answer.id);

    const message = findOrigin(await world.received(world.mailUser(2), sent.messageId));

    expect(message.header('In-Reply-To')).toBe(messageId);
    expect(message.header('References')).toBe(messageId);
  });

  it('holds its conversation in Outlook: the same topic, and an index that goes on from the first one', async () => {
    const first = await sendAndReceive({ to: [contact('carl')], subject: 'Our offer' });
    const second = await sendAndReceive({ inReplyTo: first.sent.id });

    const [before, after] = [first, second].map(({ message }) => Buffer.from(message.header('Thread-Index'), 'base64'));
    expect(before).toHaveLength(22);
    expect(after).toHaveLength(27);
    expect(after?.subarray(0, 22)).toEqual(before);
    expect(first.message.header('Thread-Topic')).toBe('Our offer');
    expect(second.message.header('Thread-Topic')).toBe('Our offer');
  });

  it('with a subject of its own has a token of its own', async () => {
    const first = await organization.send({ to: [contact('carl')], subject: 'Our offer' });
    await organization.runToEnd(first.id);

    const { sent } = await sendAndReceive({ inReplyTo: first.id, subject: 'Delivery dates' });

    expect(sent.subject).toBe('Delivery dates CRM:0001002');
  });

  it('keeps the recipients, the subject and the regarding that it is given', async () => {
    const parent = await storeIncomingEmail(world.api.services, organization, {
      messageId: '<q-9@client.example>',
      from: { address: 'stranger@client.example', records: [] },
      subject: 'AW: Question',
    });

    const draft = await organization.draft({ inReplyTo: parent.id, to: [contact('clara')], subject: 'Other' });
    const plain = await organization.draft({ inReplyTo: parent.id });

    expect(draft).toMatchObject({ to: [{ address: world.mailUser(3).address }], subject: 'Other', regarding: null });
    expect(plain.subject).toBe('AW: Question');
  });
});
