import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../../shared/email/mime/read-message.ts';
import { hostileMessages } from '../../../corpus/hostile-messages.ts';
import { buildMessage, buildMultipart, ordinaryHeaders } from '../../../corpus/messages.ts';
import { processorTimeOf } from '../../../support/processor-time.ts';

const message = (contentType: string, body: string | Buffer, more: Record<string, string> = {}) =>
  buildMessage(ordinaryHeaders({ 'Content-Type': contentType, ...more }), body);

describe('the body of a message', () => {
  it('is text where there is nothing else', () => {
    expect(readMessage(message('text/plain', 'Hello\nAnna')).text).toBe('Hello\nAnna');
  });

  it('is both text and HTML where the sender wrote both', () => {
    const { contentType, body } = buildMultipart('alternative', [
      'Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße',
      'Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>Gr=C3=BC=C3=9Fe=\r\n</b>',
    ]);
    const read = readMessage(message(contentType, body));
    expect(read).toMatchObject({ text: 'Grüße', html: '<b>Grüße</b>', files: [] });
  });

  it.each([
    ['iso-8859-1', Buffer.from([0xfc]), 'ü'],
    ['windows-1252', Buffer.from([0x80]), '€'],
    ['iso-2022-jp', Buffer.from('\u001b$B$3$s\u001b(B', 'latin1'), 'こん'],
    ['utf-7', Buffer.from('+AOk-'), 'é'],
    ['unknown-8bit', Buffer.from([0xe9]), 'é'],
    ['x-klingon', Buffer.from('abc'), 'abc'],
  ])('in %s is read', (charset, bytes, expected) => {
    expect(readMessage(message(`text/plain; charset=${charset}`, bytes)).text).toBe(expected);
  });

  it('that is flowed gets its long lines back', () => {
    expect(readMessage(message('text/plain; format=flowed', 'one \ntwo\nthree')).text).toBe('one two\nthree');
  });
});

describe('the files of a message', () => {
  it('come out byte by byte as they were put in', () => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 7) % 256));
    const encoded = (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n');
    const { contentType, body } = buildMultipart('mixed', [
      'Content-Type: text/plain\r\n\r\nsee below',
      `Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''%e2%82%ac.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${encoded}`,
      'Content-Type: image/png; name="=?utf-8?Q?B=C3=A4r.png?="\r\nContent-ID: <bear@1>\r\nContent-Disposition: inline\r\n\r\n\x01\x02',
    ]);
    const { text, files } = readMessage(message(contentType, body));
    expect(text).toBe('see below');
    expect(files.map(({ fileName, contentType: type, contentId }) => [fileName, type, contentId])).toEqual([
      ['€.pdf', 'application/pdf', undefined],
      ['Bär.png', 'image/png', 'bear@1'],
    ]);
    expect(files[0]?.content()).toEqual(bytes);
    expect(files[1]?.content()).toEqual(Buffer.from('\x01\x02'));
  });

  it('that have no name, or one that leads elsewhere, get a plain one', () => {
    const { contentType, body } = buildMultipart('mixed', [
      'Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx',
      'Content-Type: application/pdf; name="../../etc/pass\twd\u202E.pdf"\r\n\r\nx',
    ]);
    expect(readMessage(message(contentType, body)).files.map(({ fileName }) => fileName)).toEqual([
      'attachment-1.eml',
      'passwd.pdf',
    ]);
  });
});

describe('beside an independent reader', () => {
  it.each(['alternative', 'mixed', 'related'])(
    'finds the same text, HTML and files in multipart/%s',
    async (subtype) => {
      const { contentType, body } = buildMultipart(subtype, [
        'Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n100 =A4 f=FCr =\r\nalle',
        'Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+ZmV0dDwvYj4=',
        'Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBAo=',
      ]);
      const raw = message(contentType, body);
      const other = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
      const read = readMessage(raw);
      expect(read.text).toBe(other.text?.trim());
      // The other reader puts what stands between the parts into its HTML as well.
      expect(other.html).toContain(read.html);
      expect(read.files.map((file) => [file.fileName, file.contentType, file.content()])).toEqual(
        other.attachments.map((file) => [file.filename, file.contentType, file.content]),
      );
      expect(read.headers.messageId).toBe(other.messageId);
      expect(read.headers.date).toEqual(other.date);
    },
  );
});

describe('a hostile message', () => {
  it.each(hostileMessages())('$name is read within two seconds and within bounds', ({ raw }) => {
    const read = () => {
      const message = readMessage(raw);
      return { ...message, decodedBytes: message.files.reduce((sum, file) => sum + file.content().length, 0) };
    };
    expect(processorTimeOf(() => void read())).toBeLessThan(2_000);
    const { headers, text, html, files, decodedBytes } = read();
    expect(files.length).toBeLessThanOrEqual(1_000);
    expect(headers.to.length).toBeLessThanOrEqual(10_000);
    expect(headers.subject.length).toBeLessThanOrEqual(1_000);
    expect((text?.length ?? 0) + (html?.length ?? 0)).toBeLessThanOrEqual(5_000_000);
    expect(decodedBytes).toBeLessThanOrEqual(raw.length);
  });

  it('with parts nested too deep keeps what it can as a file', () => {
    const deep = hostileMessages().find(({ name }) => name === '1,000 nested parts');
    expect(readMessage(deep?.raw ?? Buffer.alloc(0)).files).toHaveLength(1);
  });
});
