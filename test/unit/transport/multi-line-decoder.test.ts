import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MultiLineDecoder } from '../../../shared/transport/pop3/multi-line-decoder.ts';

/** As a server sends it (RFC 1939 section 3). */
const stuff = (content: string): string => `${`\r\n${content}`.replaceAll('\r\n.', '\r\n..').slice(2)}.\r\n`;

const decode = (chunks: readonly Buffer[]): { readonly content: string; readonly rest: string | undefined } => {
  const decoder = new MultiLineDecoder();
  const pieces: Buffer[] = [];
  for (const chunk of chunks) {
    const end = decoder.decode(chunk, 0, (piece) => pieces.push(piece));
    if (end !== undefined)
      return { content: Buffer.concat(pieces).toString('latin1'), rest: chunk.toString('latin1', end) };
  }
  return { content: Buffer.concat(pieces).toString('latin1'), rest: undefined };
};

const cut = (bytes: Buffer, sizes: readonly number[]): readonly Buffer[] => {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
};

it.each([
  ['', ''],
  ['\r\n', '\r\n'],
  ['.\r\n', '.\r\n'],
  ['..\r\n.a\r\n', '..\r\n.a\r\n'],
  ['a\n.\nb\r\n', 'a\n.\nb\r\n'],
  ['a\r.\r\nb\r\n', 'a\r.\r\nb\r\n'],
  ['.\ra\r\n', '.\ra\r\n'],
  ['\r\r\n.\r\n', '\r\r\n.\r\n'],
  ['a\r\n\r\n\r\n', 'a\r\n\r\n\r\n'],
])('gives back %j as it was, however the connection cuts it', (content, expected) => {
  const bytes = Buffer.from(`${stuff(content)}+OK next`, 'latin1');
  for (let first = 0; first <= bytes.length; first += 1)
    for (let second = 0; second <= bytes.length - first; second += 1) {
      const { content: decoded, rest } = decode(cut(bytes, [first, second]));
      expect(decoded).toBe(expected);
      expect(rest === undefined ? undefined : '+OK next'.startsWith(rest)).toBe(true);
    }
});

it('gives back any lines as they were, in any cut', () => {
  const line = fc.array(fc.constantFrom('.', '\r', '\n', 'a', '..', ' ')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(7)), (lines, sizes) => {
      const content = lines.map((one) => `${one.replaceAll('\r\n', '')}\r\n`).join('');
      expect(decode(cut(Buffer.from(stuff(content), 'latin1'), sizes))).toEqual({ content, rest: '' });
    }),
  );
});

it('does not take a dot behind a bare line feed for the end', () => {
  expect(decode([Buffer.from('a\n.\n+OK forged\r\n')])).toEqual({ content: 'a\n.\n+OK forged\r\n', rest: undefined });
});
