import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readReport } from '../../../../shared/delivery-report/read-report.ts';
import { findForwardedMessage } from '../../../../shared/email/mime/forwarded-message.ts';
import { findBody } from '../../../../shared/email/mime/header-fields.ts';
import { readMessageHeaders } from '../../../../shared/email/mime/message-headers.ts';
import { readMessage } from '../../../../shared/email/mime/read-message.ts';
import { makeHtmlSafe } from '../../../../shared/email/safe-html.ts';
import { hostileMessages } from '../../../corpus/hostile-messages.ts';
import { buildMessage, buildMultipart, ordinaryHeaders } from '../../../corpus/messages.ts';
import { actingMarkup, readMarkup } from '../../../support/html-markup.ts';

const largestSeed = 20_000;

const letter = (): Buffer => {
  const { contentType, body } = buildMultipart('mixed', [
    'Content-Type: text/plain; charset="utf-8"; format=flowed\r\n\r\nDear Anna, \r\nhere it is.',
    'Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=FC=DFe</p>',
    "Content-Type: application/pdf; name*0*=utf-8''of; name*1*=%C3%BCr.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=",
    'Content-Type: message/rfc822\r\n\r\nFrom: carl@client.example\r\nSubject: inner\r\n\r\nHello',
  ]);
  return buildMessage(
    ordinaryHeaders({
      From: '=?utf-8?B?Q8OhcmzEsQ==?= (a comment) <"carl..c"@client.example>',
      To: 'Team: anna@example.test, Ben <ben@example.test>;, "O\\"Hara" <o@example.test>',
      References: '<a@client.example>\r\n\t<b@client.example>',
      Received: 'from a by b; Fri, 20 Nov 2026 12:09:58 +0000 (GMT)',
      'Content-Type': contentType,
    }),
    body,
  );
};

const seeds = [letter(), ...hostileMessages().flatMap(({ raw }) => (raw.length <= largestSeed ? [raw] : []))];

type Edit = (raw: Buffer) => Buffer;

const places = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (raw: Buffer, place: number): number => Math.floor(place * (raw.length + 1));

/** What goes wrong with mail on its way: bytes changed, lost, doubled, put in, and the end cut off. */
const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(places, fc.integer({ min: 0, max: 255 })).map(
    ([place, byte]): Edit =>
      (raw) => {
        const changed = Buffer.from(raw);
        if (changed.length > 0) changed[Math.min(at(raw, place), raw.length - 1)] = byte;
        return changed;
      },
  ),
  fc.tuple(places, fc.nat(200)).map(
    ([place, length]): Edit =>
      (raw) =>
        Buffer.concat([raw.subarray(0, at(raw, place)), raw.subarray(at(raw, place) + length)]),
  ),
  fc.tuple(places, fc.nat(400)).map(
    ([place, length]): Edit =>
      (raw) =>
        Buffer.concat([raw.subarray(0, at(raw, place) + length), raw.subarray(at(raw, place))]),
  ),
  fc
    .tuple(
      places,
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        '\0',
        ';',
        '"',
        '=?',
        '?=',
        '<',
        '>',
        '\r\n\r\n',
        '--',
        '=',
        '\r\n\t',
        '(',
        '%',
        '*0*=',
      ),
    )
    .map(
      ([place, text]): Edit =>
        (raw) =>
          Buffer.concat([raw.subarray(0, at(raw, place)), Buffer.from(text), raw.subarray(at(raw, place))]),
    ),
  places.map(
    (place): Edit =>
      (raw) =>
        raw.subarray(0, at(raw, place)),
  ),
);

const mutations = fc
  .tuple(fc.constantFrom(...seeds), fc.array(edits, { minLength: 1, maxLength: 6 }))
  .map(([seed, some]) => some.reduce((raw, edit) => edit(raw), seed));

describe('mail that was damaged on its way, however that is', () => {
  it('is read as far as it can be, within the bounds that an email has', () => {
    fc.assert(
      fc.property(mutations, (raw) => {
        const { headers, html, text, files } = readMessage(raw);

        expect(headers).toEqual(readMessageHeaders(raw.subarray(0, findBody(raw, 0, raw.length).headerEnd)));
        expect(headers.subject.length).toBeLessThanOrEqual(1_000);
        expect(headers.messageId?.length ?? 0).toBeLessThanOrEqual(900);
        expect(headers.references.length).toBeLessThanOrEqual(50);
        // What is stored must be text that any program can read.
        for (const one of [headers.subject, headers.messageId, html, text])
          expect(one?.isWellFormed() ?? true).toBe(true);
        for (const { fileName, content } of files) {
          expect(fileName).toMatch(/^[^/\\\p{Cc}]{1,220}$/u);
          expect(content().length).toBeLessThanOrEqual(raw.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives HTML that is safe, and neither report nor forwarded message out of nothing', () => {
    fc.assert(
      fc.property(mutations, (raw) => {
        const { html } = readMessage(raw);
        const report = readReport(raw);

        if (html !== undefined) expect(readMarkup(makeHtmlSafe(html))).not.toMatch(actingMarkup);
        expect(report?.recipients.length ?? 1).toBeGreaterThan(0);
        expect(findForwardedMessage(raw)?.length ?? 0).toBeLessThanOrEqual(raw.length);
      }),
      { numRuns: 1_000 },
    );
  });
});
