import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeMessage } from '../../../../shared/email/compose-message.ts';
import { continueConversationIndex, startConversationIndex } from '../../../../shared/email/conversation-index.ts';
import { readMessage } from '../../../../shared/email/mime/read-message.ts';
import { normalizeAddress } from '../../../../shared/platform/address.ts';
import { createMemoryContent } from '../../../bench/support/memory-content.ts';
import { DecisionWorld } from '../../../support/decision-world.ts';

const letters = fc.constantFrom(...'aÄßéñçøžŁабвΩψאבגعربतमिल漢字한글ไทย😀 .,;:"()<>@\'=?_-');
const phrase = fc
  .string({ unit: letters, minLength: 1, maxLength: 60 })
  .map((text) => text.trim().replace(/\s+/g, ' '))
  .filter((text) => text !== '' && !text.includes('=?'));

describe('headers beyond ASCII', () => {
  it('are read as they were written when our own messages come back, in every script', async () => {
    const world = new DecisionWorld();
    const draft = await world.sent();
    await fc.assert(
      fc.asyncProperty(phrase, phrase, async (subject, name) => {
        const email = {
          ...draft,
          messageDate: '2026-11-24T12:00:00.000Z',
          subject,
          from: { address: 'anna@contoso.example', name, records: [] },
          to: [{ address: 'jörg@bücher.example', name, records: [] }],
          body: { text: subject },
        };
        const message = await buffer(Readable.from(await composeMessage(createMemoryContent(), email)));
        const { headers } = readMessage(message);
        expect(headers.subject).toBe(subject);
        expect(headers.from?.name).toBe(name);
        expect(headers.to.map(({ address }) => normalizeAddress(address))).toEqual([
          normalizeAddress('jörg@bücher.example'),
        ]);
      }),
    );
  });

  it('of RFC 6532 are read as they stand, addresses of RFC 6531 too', () => {
    const raw = Buffer.from(
      [
        'From: 山田太郎 <山田@例え.jp>',
        'To: "Grüße, Jürgen" <jürgen@bücher.example>, भारत <डेटा@मेल.भारत>',
        'Subject: Größe – 大きさ – мера',
        'Message-ID: <größe@bücher.example>',
        '',
        'x',
      ].join('\r\n'),
    );
    const { headers } = readMessage(raw);
    expect(headers).toMatchObject({
      from: { name: '山田太郎', address: '山田@例え.jp' },
      to: [
        { name: 'Grüße, Jürgen', address: 'jürgen@bücher.example' },
        { name: 'भारत', address: 'डेटा@मेल.भारत' },
      ],
      subject: 'Größe – 大きさ – мера',
      messageId: '<größe@bücher.example>',
    });
  });

  it('keep the signs that join letters in names, and lose those that turn the direction of writing', () => {
    const raw = Buffer.from('From: می‌خواهم 👨‍👩‍👧 \u202eevil <a@b.example>\r\n\r\nx');
    expect(readMessage(raw).headers.from?.name).toBe('می‌خواهم 👨‍👩‍👧  evil');
  });
});

describe('what Outlook tells a conversation by', () => {
  it('stands in what is sent, and is read when it comes back', async () => {
    const world = new DecisionWorld();
    const begun = startConversationIndex('eml_01M86PTPG0YJDEPFX0NH1B8YNN');
    const conversationIndex = continueConversationIndex(begun, 'answer', world.now);
    const subject = 'AW: Angebot für März CRM:0017001';
    const email = { ...(await world.sent()), subject, token: 'CRM:0017001', conversationIndex };
    const sent = { ...email, messageDate: '2026-11-24T12:00:00.000Z', body: { text: 'x' } };
    const message = await buffer(Readable.from(await composeMessage(createMemoryContent(), sent)));
    expect(message.toString()).toContain('Thread-Topic: =?UTF-8?Q?Angebot_f=C3=BCr_M=C3=A4rz?=');
    expect(readMessage(message).headers.conversationIndex).toBe(conversationIndex);
  });
});
