import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostRecipients } from '../../../shared/delivery-report/delivery-report.ts';
import { readReport } from '../../../shared/delivery-report/read-report.ts';
import { findBody } from '../../../shared/email/mime/header-fields.ts';
import { readMessageHeaders } from '../../../shared/email/mime/message-headers.ts';
import {
  deliveryReports,
  deliveryStatusReport,
  noReports,
  readReceipt,
  reportedMessageId,
  reportedRecipient,
} from '../../corpus/delivery-reports.ts';
import { processorTimeOf } from '../../support/processor-time.ts';

const headersOf = (raw: Buffer) => readMessageHeaders(raw.subarray(0, findBody(raw, 0, raw.length).headerEnd));

describe('a report on a delivery', () => {
  it.each(deliveryReports())('of $title is read: $outcome', ({ raw, outcome, answer }) => {
    const report = readReport(raw);

    expect(report?.messageIds[0]).toBe(reportedMessageId);
    expect(report?.recipients).toHaveLength(1);
    expect(report?.recipients[0]?.outcome).toBe(outcome);
    expect(report?.recipients[0]?.addresses).toContain(reportedRecipient);
    expect(report?.recipients[0]?.answer).toContain(answer ?? '');
  });

  it.each(deliveryReports())('of $title is known by its header', ({ raw }) => {
    expect(headersOf(raw).automation).toBe('deliveryReport');
  });

  it('tells the identifier that was given to the server', () => {
    const status = `Original-Envelope-Id: eml_1\n\nFinal-Recipient: rfc822;${reportedRecipient}\nAction: failed\nStatus: 5.1.1`;

    expect(readReport(deliveryStatusReport(status))?.envelopeId).toBe('eml_1');
  });

  it('tells of each recipient what became of it', () => {
    const status = ['a', 'b', 'c']
      .map(
        (name, index) =>
          `Final-Recipient: rfc822; ${name}@client.example\nAction: ${['failed', 'delayed', 'relayed'][index]}`,
      )
      .join('\n\n');

    expect(readReport(deliveryStatusReport(`X: 1\n\n${status}`))?.recipients.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'delayed',
      'relayed',
    ]);
  });

  it('is about the message that came back, not about others of its thread', () => {
    const [, , gmail] = deliveryReports();

    expect(readReport(gmail?.raw ?? Buffer.alloc(0))?.messageIds).toEqual([reportedMessageId]);
  });

  it.each(noReports())('is not seen in $title', ({ raw }) => {
    expect(readReport(raw)).toBeUndefined();
  });

  it('is bounded, however many recipients it names', () => {
    const status = `X: 1\n\n${`Final-Recipient: rfc822;${reportedRecipient}\nAction: failed\n\n`.repeat(3_000)}`;

    expect(readReport(deliveryStatusReport(status))?.recipients).toHaveLength(mostRecipients);
  });

  it('is read without an error whatever is broken in it', () => {
    const samples = [...deliveryReports().map(({ raw }) => raw), readReceipt(), ...noReports().map(({ raw }) => raw)];
    const mutation = fc.record({
      sample: fc.nat(samples.length - 1),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(300),
      put: fc.uint8Array({ maxLength: 40 }),
    });

    fc.assert(
      fc.property(mutation, ({ sample, at, cut, put }) => {
        const raw = samples[sample] ?? Buffer.alloc(0);
        const start = Math.floor(Math.min(raw.length, 3_000) * at);
        const broken = Buffer.concat([raw.subarray(0, start), put, raw.subarray(start + cut)]);
        const report = readReport(broken);

        for (const { addresses, answer } of report?.recipients ?? []) {
          expect(answer.length).toBeLessThanOrEqual(300);
          expect(addresses.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['lines of blanks', ' '.repeat(200_000)],
    ['angle brackets', `${'<'.repeat(60_000)}@`],
    ['addresses without an end', `Hi. This is the qmail-send program\n${'<a@b '.repeat(40_000)}`],
    ['lines of a Postfix that names nobody', `This is the mail system at host x\n${'a\n'.repeat(100_000)}`],
    ['parentheses', `Final-Recipient: rfc822; ${'('.repeat(100_000)}`],
  ])('costs little even when it is made of %s', (_, body) => {
    const header = 'From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\n';

    const time = processorTimeOf(() => {
      readReport(Buffer.from(`${header}\r\n${body}`));
      readReport(deliveryStatusReport(body));
    });

    expect(time).toBeLessThan(1_000);
  });
});

describe('a read receipt', () => {
  it('is read', () => {
    expect(readReport(readReceipt())).toEqual({
      envelopeId: undefined,
      messageIds: [reportedMessageId],
      recipients: [{ addresses: [reportedRecipient], outcome: 'read', answer: '' }],
    });
  });

  it('is known by its header', () => {
    expect(headersOf(readReceipt()).automation).toBe('readReceipt');
  });

  it.each([
    ['manual-action/MDN-sent-manually;displayed', 'read'],
    ['automatic-action/MDN-sent-automatically; displayed/warning', 'read'],
    ['manual-action/MDN-sent-manually; Displayed', 'read'],
    ['automatic-action/MDN-sent-automatically; deleted', 'deletedUnread'],
  ])('with %s means %s', (disposition, outcome) => {
    expect(readReport(readReceipt({ disposition }))?.recipients[0]?.outcome).toBe(outcome);
  });
});
