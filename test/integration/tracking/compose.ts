let messages = 0;

/** A message with what the fields say, each with a Message-ID of its own; an empty field leaves the header out. */
export const compose = (fields: Readonly<Record<string, string>> = {}, body = 'Hello'): string => {
  messages += 1;
  const all = {
    From: 'Carl Client <carl@client.example>',
    To: 'someone@example.test',
    Subject: `Message ${messages}`,
    Date: 'Tue, 24 Nov 2026 10:00:00 +0100',
    'Message-ID': `<m${messages}.${process.pid}@client.example>`,
    ...fields,
  };
  const header = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]));
  return `${header.join('\r\n')}\r\n\r\n${body}\r\n`;
};
