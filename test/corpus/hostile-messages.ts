import { buildMessage, buildMultipart, ordinaryHeaders } from './messages.ts';

export interface HostileMessage {
  readonly name: string;
  readonly raw: Buffer;
}

const nested = (depth: number): { contentType: string; body: string } => {
  let inner = 'Content-Type: text/plain\r\n\r\nthe innermost';
  for (let level = 1; level < depth; level += 1) {
    const { contentType, body } = buildMultipart('mixed', [inner], `level-${level}`);
    inner = `Content-Type: ${contentType}\r\n\r\n${body}`;
  }
  return buildMultipart('mixed', [inner], 'level-outer');
};

const withBody = (contentType: string, body: string | Buffer, more: Record<string, string | undefined> = {}): Buffer =>
  buildMessage(ordinaryHeaders({ 'Content-Type': contentType, ...more }), body);

const megabytes = (count: number): Buffer => Buffer.alloc(count * 1024 * 1024, 'AAAAAAAAAAAAAAAAAAAAAAAA\r\n');

/** Messages that programs have choked on: broken encodings, missing and absurd headers, far too much of everything. */
export const hostileMessages = (): readonly HostileMessage[] => {
  const many = buildMultipart(
    'mixed',
    Array.from({ length: 1_000 }, (_, index) => `Content-Type: image/png; name="${index}.png"\r\n\r\nx`),
  );
  const deep = nested(1_000);
  const recipients = Array.from({ length: 10_000 }, (_, index) => `"Name ${index}" <user${index}@list.example>`);
  return [
    { name: 'empty', raw: Buffer.alloc(0) },
    { name: 'only line breaks', raw: Buffer.from('\r\n\r\n\r\n') },
    { name: 'no header at all', raw: Buffer.from('\r\nJust a body\r\n') },
    { name: 'no end of the header', raw: Buffer.from('From: a@client.example\r\nSubject: never ends') },
    { name: 'bare line feeds', raw: Buffer.from('From: a@client.example\nSubject: unix\n\nbody\n') },
    { name: 'binary noise', raw: Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 89) % 256)) },
    { name: 'NUL bytes', raw: buildMessage(ordinaryHeaders({ Subject: 'a\0b' }), 'c\0d') },
    { name: 'no From', raw: buildMessage(ordinaryHeaders({ From: undefined })) },
    { name: 'no Message-ID', raw: buildMessage(ordinaryHeaders({ 'Message-ID': undefined })) },
    { name: 'no Date', raw: buildMessage(ordinaryHeaders({ Date: undefined })) },
    { name: 'absurd Date', raw: buildMessage(ordinaryHeaders({ Date: 'Mon, 99 Foo 99999 99:99:99 +9999' })) },
    { name: 'absurd Message-ID', raw: buildMessage(ordinaryHeaders({ 'Message-ID': `<${'x'.repeat(100_000)}>` })) },
    {
      name: 'unknown encodings',
      raw: withBody('text/plain; charset=x-klingon', 'qaplaH', { 'Content-Transfer-Encoding': 'x-none' }),
    },
    {
      name: 'broken encoded words',
      raw: buildMessage(ordinaryHeaders({ Subject: '=?utf-8?B?w5w==?= =?x?Q?=ZZ?= =?utf-8?Q' })),
    },
    { name: 'UTF-7 text', raw: withBody('text/plain; charset=utf-7', 'caf+AOk-') },
    { name: 'wrong character set', raw: withBody('text/plain; charset=utf-8', Buffer.from([0x63, 0x61, 0x66, 0xe9])) },
    {
      name: 'broken base64',
      raw: withBody('text/plain', '!!!!SGVsbG8*=\r\n=====', { 'Content-Transfer-Encoding': 'base64' }),
    },
    {
      name: 'broken quoted-printable',
      raw: withBody('text/plain', 'a=ZZ=\r\n=E4=', { 'Content-Transfer-Encoding': 'quoted-printable' }),
    },
    { name: 'multipart without boundary', raw: withBody('multipart/mixed', 'no parts') },
    {
      name: 'multipart without end',
      raw: withBody('multipart/mixed; boundary=b', '--b\r\n\r\nfirst\r\n--b\r\n\r\nlast'),
    },
    { name: 'boundary that never comes', raw: withBody('multipart/mixed; boundary=b', 'preamble only') },
    { name: '10,000 recipients', raw: buildMessage(ordinaryHeaders({ To: recipients.join(',\r\n ') })) },
    { name: '100,000 header fields', raw: buildMessage(ordinaryHeaders({ 'X-A': 'x\r\nX-A: '.repeat(100_000) })) },
    { name: 'a header of 3 MB', raw: buildMessage(ordinaryHeaders({ Subject: 's'.repeat(3 * 1024 * 1024) })) },
    { name: '1,000 parts', raw: withBody(many.contentType, many.body) },
    { name: '1,000 nested parts', raw: withBody(deep.contentType, deep.body) },
    { name: 'a file name that climbs', raw: withBody('application/pdf; name="../../etc/passwd\u202Efdp.exe"', 'x') },
    { name: '30 MB of text', raw: withBody('text/plain', megabytes(30)) },
    {
      name: 'an attachment of 20 MB',
      raw: withBody('application/octet-stream; name="big.bin"', megabytes(27), {
        'Content-Transfer-Encoding': 'base64',
      }),
    },
  ];
};
