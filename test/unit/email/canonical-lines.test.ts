import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withCanonicalLines } from '../../../shared/email/canonical-lines.ts';

const canonical = async (...chunks: readonly string[]): Promise<string> => {
  async function* content() {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  }
  const pieces: Buffer[] = [];
  for await (const piece of withCanonicalLines(content())) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
};

describe('canonical lines', () => {
  it('end with CRLF, whatever they ended with', async () => {
    expect(await canonical('a\nb\rc\r\nd')).toBe('a\r\nb\r\nc\r\nd\r\n');
  });

  it('leave what is canonical as it is', async () => {
    expect(await canonical('a\r\n\r\nb\r\n')).toBe('a\r\n\r\nb\r\n');
  });

  it('keep a line end together that two chunks share', async () => {
    expect(await canonical('a\r', '\nb')).toBe('a\r\nb\r\n');
    expect(await canonical('a\r', 'b')).toBe('a\r\nb\r\n');
    expect(await canonical('a\r')).toBe('a\r\n');
  });

  it('make nothing of nothing', async () => {
    expect(await canonical('')).toBe('');
  });

  it('come out the same however the content is cut, and a second time', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '\r', '\n', 'ÿ'), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (chunks) => {
        const once = await canonical(...chunks);
        expect(once).toBe(await canonical(chunks.join('')));
        expect(once).toBe(await canonical(once));
        expect(once).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
      }),
    );
  });
});
