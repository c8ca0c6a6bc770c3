import { describe, expect, it } from 'vitest';
import { readMessageHeaders } from '../../../../shared/email/mime/message-headers.ts';

const read = (lines: readonly string[]) => readMessageHeaders(Buffer.from(lines.join('\r\n'))).automation;
const carl = 'From: Carl Client <carl@client.example>';

describe('what a program wrote', () => {
  it.each([
    ['autoReply', [carl, 'Auto-Submitted: auto-replied']],
    ['autoReply', [carl, 'Auto-Submitted: auto-replied (vacation)']],
    ['autoReply', [carl, 'Precedence: auto_reply']],
    ['autoReply', [carl, 'X-Autoreply: yes']],
    ['autoReply', [carl, 'X-Autorespond: away']],
    ['autoReply', [carl, 'Subject: Automatic reply: Our offer']],
    ['autoReply', [carl, 'Subject: Automatische Antwort: Unser Angebot']],
    ['autoReply', [carl, 'Subject: =?utf-8?Q?R=C3=A9ponse_automatique_=3A_offre?=']],
    ['autoReply', [carl, 'Subject: Out of office', 'Return-Path: <>']],
    ['autoReply', [carl, 'Subject: Out of Office AutoReply: Our offer']],
    ['notification', [carl, 'Auto-Submitted: auto-generated']],
    ['notification', [carl, 'X-Auto-Response-Suppress: DR, OOF, AutoReply']],
    ['notification', [carl, 'X-Auto-Response-Suppress: All']],
    ['notification', [carl, 'Precedence: junk']],
    ['notification', ['From: postmaster@client.example', 'Subject: Maintenance on Sunday']],
    ['notification', [carl, 'Content-Type: multipart/report; report-type=feedback-report; boundary=b']],
    ['deliveryReport', [carl, 'Content-Type: multipart/report; report-type=delivery-status; boundary=b']],
    ['deliveryReport', [carl, 'Content-Type: Multipart/Report; boundary=b; Report-Type="Delivery-Status"']],
    ['deliveryReport', [carl, 'Return-Path: <>']],
    ['deliveryReport', [carl, 'Return-Path: <MAILER-DAEMON>']],
    ['deliveryReport', ['From: Mailer-Daemon@mx.client.example', 'Auto-Submitted: auto-replied']],
    ['deliveryReport', ['From: postmaster@client.example', 'Subject: Undeliverable: Our offer']],
    ['deliveryReport', [carl, 'X-Failed-Recipients: carl@client.example', 'Auto-Submitted: auto-replied']],
    ['readReceipt', [carl, 'Content-Type: multipart/report; report-type=disposition-notification; boundary=b']],
  ])('is an %s: %j', (automation, lines) => {
    expect(read(lines)).toBe(automation);
  });

  it.each([
    [[carl]],
    [[carl, 'Auto-Submitted: no']],
    [[carl, 'Precedence: bulk']],
    [[carl, 'Precedence: list']],
    [[carl, 'X-Auto-Response-Suppress: None']],
    [[carl, 'Return-Path: <carl@client.example>']],
    [[carl, 'Subject: Re: Out of office']],
    [[carl, 'Subject: Re: Undeliverable: Our offer']],
    [[carl, 'Content-Type: multipart/mixed; boundary=b']],
  ])('is not seen in what a person wrote: %j', (lines) => {
    expect(read(lines)).toBeNull();
  });
});
