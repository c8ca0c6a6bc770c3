import { describe, expect, it } from 'vitest';
import { findForwardedMessage } from '../../../../shared/email/mime/forwarded-message.ts';
import { buildMessage, buildMultipart, ordinaryHeaders } from '../../../corpus/messages.ts';

const original = 'From: carl@client.example\r\nSubject: Our offer\r\n\r\nHello Anna\r\n';
const note = 'Content-Type: text/plain\r\n\r\nForwarded by a rule';

const forward = (...parts: readonly string[]): Buffer => {
  const { contentType, body } = buildMultipart('mixed', parts);
  return buildMessage(ordinaryHeaders({ 'Content-Type': contentType }), body);
};

describe('a forwarded message', () => {
  it('is found where it is attached, byte for byte', () => {
    const found = findForwardedMessage(forward(note, `Content-Type: message/rfc822\r\n\r\n${original}`));

    expect(found?.toString()).toBe(original);
  });

  it('is found as the only part of its carrier', () => {
    const carrier = buildMessage(ordinaryHeaders({ 'Content-Type': 'message/rfc822' }), original);

    expect(findForwardedMessage(carrier)?.toString()).toBe(original);
  });

  it.each([
    ['message/global', original, '7bit'],
    ['application/octet-stream; name="offer.eml"', original, '7bit'],
    ['message/rfc822', Buffer.from(original).toString('base64'), 'base64'],
  ])('is found as %s (%#)', (contentType, body, encoding) => {
    const part = `Content-Type: ${contentType}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;

    expect(findForwardedMessage(forward(note, part))?.toString()).toBe(original);
  });

  it('is the outermost one when it carries a further one itself', () => {
    const inner = forward(note, `Content-Type: message/rfc822\r\n\r\n${original}`).toString();

    expect(findForwardedMessage(forward(`Content-Type: message/rfc822\r\n\r\n${inner}`))?.toString()).toBe(inner);
  });

  it('is not there when it was forwarded in the text, or when the attachment is empty', () => {
    expect(findForwardedMessage(forward(note))).toBeUndefined();
    expect(findForwardedMessage(forward(note, 'Content-Type: message/rfc822\r\n\r\n'))).toBeUndefined();
  });
});
