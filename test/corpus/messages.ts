/** Builds messages as they arrive: header lines, an empty line, a body, CRLF throughout. */
export const buildMessage = (headers: Readonly<Record<string, string>>, body: string | Buffer = 'Hello'): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    ),
    typeof body === 'string' ? Buffer.from(body.replaceAll(/\r?\n/g, '\r\n')) : body,
  ]);

let counter = 0;

/** Header fields of an ordinary message, each with a Message-ID of its own. */
export const ordinaryHeaders = (
  overrides: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> => {
  counter += 1;
  const headers: Record<string, string | undefined> = {
    From: 'Carl Client <carl@client.example>',
    To: 'Anna <user1@example.test>',
    Subject: `Message ${counter}`,
    Date: 'Fri, 20 Nov 2026 12:09:58 +0000',
    'Message-ID': `<${counter}.${process.pid}.${Date.now()}@client.example>`,
    ...overrides,
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
};

export const buildMultipart = (
  subtype: string,
  parts: readonly string[],
  boundary = `b${parts.length}-${subtype}`,
): { readonly contentType: string; readonly body: string } => ({
  contentType: `multipart/${subtype}; boundary="${boundary}"`,
  body: `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`,
});
