import { buildMessage, buildMultipart, ordinaryHeaders } from '../../corpus/messages.ts';
import type { Random } from '../plan/random.ts';

/** Messages that parsers choke on, each with a subject by which it is known again. */
const hostile = (subject: string): readonly Buffer[] => {
  const headers = (more: Record<string, string | undefined>) => ordinaryHeaders({ Subject: subject, ...more });
  const deep = buildMultipart('mixed', [
    `Content-Type: ${buildMultipart('mixed', ['x'], 'inner').contentType}\r\n\r\nno end`,
  ]);
  return [
    buildMessage(headers({ From: undefined })),
    buildMessage(headers({ Date: 'Mon, 99 Foo 99999 99:99:99 +9999' })),
    buildMessage(headers({ 'Content-Type': 'multipart/mixed; boundary=never' }), 'no parts'),
    buildMessage(headers({ 'Content-Type': 'text/plain', 'Content-Transfer-Encoding': 'base64' }), '!!!*=\r\n==='),
    buildMessage(headers({ 'Content-Type': deep.contentType }), deep.body),
    buildMessage(headers({ To: Array.from({ length: 400 }, (_, index) => `r${index}@list.example`).join(',\r\n ') })),
  ];
};

export const hostileMessage = (subject: string, random: Random): Buffer => random.pick(hostile(subject));

export const wholesomeMessage = (
  subject: string,
  from: string,
  more: Readonly<Record<string, string | undefined>> = {},
  body = 'Hello',
): Buffer => buildMessage(ordinaryHeaders({ Subject: subject, From: from, ...more }), body);
