import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMessageHeaders } from '../../../../shared/email/mime/message-headers.ts';

const read = (...lines: readonly string[]) => readMessageHeaders(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));

describe('the header of a message', () => {
  it('gives addresses with decoded names, groups opened', () => {
    const headers = read(
      'From: =?utf-8?Q?J=C3=BCrgen?= <j@client.example>',
      'To: "Anna, A." <anna@contoso.example>, team: ben@contoso.example, carl@contoso.example;, nobody',
      'Cc: undisclosed-recipients:;',
    );
    expect(headers.from).toEqual({ address: 'j@client.example', name: 'Jürgen' });
    expect(headers.to.map(({ address }) => address)).toEqual([
      'anna@contoso.example',
      'ben@contoso.example',
      'carl@contoso.example',
    ]);
    expect(headers.cc).toEqual([]);
  });

  it('never makes an address out of a display name', () => {
    expect(read('From: "boss@contoso.example" <evil@attacker.example>').from?.address).toBe('evil@attacker.example');
    expect(read('From: =?utf-8?Q?boss=40contoso.example?=').from).toBeNull();
  });

  it('joins folded lines and reads encoded words across them', () => {
    expect(read('Subject: =?utf-8?Q?Unser?=', '\t=?utf-8?Q?_Angebot?= CRM:0017001').subject).toBe(
      'Unser Angebot CRM:0017001',
    );
  });

  it('reads 8-bit text that nobody declared', () => {
    expect(readMessageHeaders(Buffer.from('Subject: Gr\xfc\xdfe\r\n\r\n', 'latin1')).subject).toBe('Grüße');
    expect(readMessageHeaders(Buffer.from('Subject: Grüße\r\n\r\n')).subject).toBe('Grüße');
  });

  it('takes the first of repeated fields where only one can count', () => {
    const headers = read('Message-ID: <1@a>', 'Message-ID: <2@a>', 'Subject: one', 'Subject: two');
    expect(headers).toMatchObject({ messageId: '<1@a>', subject: 'one' });
  });

  it.each([
    ['<a@b>', '<a@b>'],
    ['a@b', '<a@b>'],
    ['(comment) <a@b> rest', '<a@b>'],
    ['', null],
    ['two words', null],
    [`<${'x'.repeat(1_000)}>`, null],
  ])('reads the Message-ID %j as %j', (value, expected) => {
    expect(read(`Message-ID: ${value}`).messageId).toBe(expected);
  });

  it('keeps the oldest and the newest of very many references', () => {
    const all = Array.from({ length: 500 }, (_, index) => `<${index}@a>`);
    const { references } = read(`References: ${all.join('\r\n ')}`);
    expect(references).toHaveLength(50);
    expect(references[0]).toBe('<0@a>');
    expect(references.at(-1)).toBe('<499@a>');
  });

  it.each([
    ['Fri, 20 Nov 2026 12:09:58 +0100', '2026-11-20T11:09:58.000Z'],
    ['20 Nov 26 12:09 EST', '2026-11-20T17:09:00.000Z'],
    ['Fri, 20 Nov 2026 12:09:58 GMT (Greenwich)', '2026-11-20T12:09:58.000Z'],
    ['yesterday', undefined],
    ['Mon, 99 Foo 99999 99:99:99', undefined],
  ])('reads the Date %j', (value, expected) => {
    expect(read(`Date: ${value}`).date?.toISOString()).toBe(expected);
  });

  it.each([
    ['Auto-Submitted: auto-replied', true],
    ['Auto-Submitted: no', false],
    ['Return-Path: <>', true],
    ['Return-Path: <a@b.example>', false],
    ['Content-Type: multipart/report; report-type=delivery-status', true],
    ['From: MAILER-DAEMON@mx.example', true],
    ['Precedence: auto_reply', true],
    ['Precedence: list', false],
  ])('with %s is automatic: %s', (line, expected) => {
    expect(read(line).automatic).toBe(expected);
  });

  it('is read without an error whatever its bytes are', () => {
    const names = fc.constantFrom('From', 'To', 'Subject', 'Date', 'Message-ID', 'References', 'Content-Type', 'Cc');
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '=?utf-8?B?',
        '=?x?Q?=ZZ?=',
        '<',
        '>',
        '"',
        '(',
        ':',
        ';',
        ',',
        '@',
        '\\',
        '\r\n ',
        '\0',
        '\ud800',
      ),
    );
    const line = fc
      .tuple(names, fc.array(noise, { maxLength: 20 }))
      .map(([name, parts]) => `${name}: ${parts.join('')}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.uint8Array({ maxLength: 50 }), (lines, bytes) => {
        const headers = readMessageHeaders(Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from(bytes)]));
        const shown = JSON.stringify(headers);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown).not.toMatch(/\\ud[89a-f]/i);
      }),
      { numRuns: 100 },
    );
  });
});
