import fc from 'fast-check';
import libmime from 'libmime';
import { expect, it } from 'vitest';
import { decodeWords } from '../../../../shared/email/mime/decode-text.ts';

it('reads a lone encoded word as a reader of whole texts does', () => {
  const quoted = fc
    .array(fc.constantFrom(...'abC=3DfF_zZ.,!~:', '=C3', '=BC', '=E2', '=82=AC'), { maxLength: 14 })
    .map((parts) => `=?UTF-8?Q?${parts.join('')}?=`);
  const base64 = fc
    .oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.array(fc.constantFrom(...'aZ09+/='), { maxLength: 12 }).map((letters) => letters.join('')),
    )
    .map((encoded) => `=?utf-8?b?${encoded}?=`);
  fc.assert(
    fc.property(fc.oneof(quoted, base64), (text) => {
      expect(decodeWords(text)).toBe(libmime.decodeWords(text).toWellFormed());
    }),
    { numRuns: 2_000 },
  );
});
