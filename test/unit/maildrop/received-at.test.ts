import { expect, it } from 'vitest';
import { findReceivedAt } from '../../../shared/maildrop/received-at.ts';
import { processorTimeOf } from '../../support/processor-time.ts';

const firstListedAt = new Date('2026-11-24T18:00:00.000Z');
const find = (...lines: readonly string[]): string => {
  const { receivedAt, receiptSource } = findReceivedAt(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), firstListedAt);
  return `${receiptSource} ${receivedAt.toISOString()}`;
};

it.each([
  [
    'the topmost Received field',
    [
      'Delivered-To: a@example.test',
      'Received: by mx.example.test; Tue, 24 Nov 2026 12:00:00 +0100',
      'Received: by relay.example; Mon, 23 Nov 2026 10:00:00 +0000',
      'Date: Sun, 22 Nov 2026 10:00:00 +0000',
    ],
    'receivedHeader 2026-11-24T11:00:00.000Z',
  ],
  [
    'a folded Received field with a semicolon in a comment',
    ['received: from a (helo; b)\r\n\tby mx.example.test;\r\n Tue, 24 Nov 2026 12:00:00 +0000 (UTC)'],
    'receivedHeader 2026-11-24T12:00:00.000Z',
  ],
  ['Date without Received', ['Date: Sun, 22 Nov 2026 10:00:00 +0000'], 'dateHeader 2026-11-22T10:00:00.000Z'],
  [
    'Date where Received has no date',
    ['Received: by mx', 'Date: Sun, 22 Nov 2026 10:00:00 +0000'],
    'dateHeader 2026-11-22T10:00:00.000Z',
  ],
  ['when it was first seen without both', ['Subject: x'], 'firstListed 2026-11-24T18:00:00.000Z'],
  [
    'when it was first seen where both are absurd',
    ['Date: Sun, 22 Nov 2099 10:00:00 +0000'],
    'firstListed 2026-11-24T18:00:00.000Z',
  ],
  [
    'a clock that goes fast',
    ['Received: x; Tue, 24 Nov 2026 18:05:00 +0000'],
    'receivedHeader 2026-11-24T18:05:00.000Z',
  ],
] as const)('takes %s for the received date', (_what, lines, expected) => {
  expect(find(...lines)).toBe(expected);
});

it('is found in a header without an end in no time', () => {
  const time = processorTimeOf(() => {
    findReceivedAt(Buffer.from(`Received: ${'x\r\n '.repeat(60_000)}`), firstListedAt);
    findReceivedAt(Buffer.from('x: y\r\n'.repeat(40_000)), firstListedAt);
  });
  expect(time).toBeLessThan(1_000);
});
