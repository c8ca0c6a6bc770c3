import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../shared/email/mime/read-message.ts';
import { contentIdentity } from '../../../shared/tracking/mailbox-message.ts';

const identityOf = (text: string): string => {
  const raw = Buffer.from(text);
  return contentIdentity(readMessage(raw).headers, raw);
};

describe('a message without a Message-ID', () => {
  it('is the same whatever servers on its way put into its header', () => {
    const message = 'From: carl@client.example\r\n\r\nHello\r\n';

    expect(identityOf(`Received: from here\r\n${message}`)).toBe(identityOf(`Received: from there\r\n${message}`));
  });

  it('is another one for each body', () => {
    expect(identityOf('From: carl@client.example\r\n\r\nOne')).not.toBe(
      identityOf('From: carl@client.example\r\n\r\nTwo'),
    );
  });

  it('is another one for each text where it has no header at all', () => {
    expect(identityOf('One\r\n')).not.toBe(identityOf('Another\r\n'));
  });
});
