let messages = 0;

export const textMessages = (count: number, to: string): readonly string[] =>
  Array.from({ length: count }, () => textMessage(to));

/** A text message of about so many bytes, from one of 200 senders, unlike every other. */
export const textMessage = (to: string, bytes = 2_048): string => {
  messages += 1;
  const sender = `sender${messages % 200}@client.example`;
  const head = [
    'Return-Path: <bounces@client.example>',
    'Received: from mail.client.example (mail.client.example [192.0.2.7]) by mx.example.test with ESMTPS id 4QxT',
    `Message-ID: <bench-${process.pid}-${Date.now()}-${messages}@client.example>`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `From: Client ${messages % 200} <${sender}>`,
    `To: Anna Sales <${to}>`,
    `Subject: =?utf-8?Q?Angebot_f=C3=BCr_M=C3=A4rz_${messages}?=`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '',
  ].join('\r\n');
  const line = 'The quick brown fox jumps over the lazy dog, and so f=C3=BCr alle Zeit.\r\n';
  return head + line.repeat(Math.max(1, Math.ceil((bytes - head.length) / line.length)));
};
