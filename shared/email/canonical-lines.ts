const cr = 0x0d;
const lf = 0x0a;
const lineEnd = Buffer.from('\r\n');

/**
 * The content with every line ended by CRLF, the last one, too. A mail transaction carries nothing else (RFC 5321
 * section 2.3.8), so what is stored in this form is byte for byte what the server is given.
 */
export async function* withCanonicalLines(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let previous: number | undefined = lf;
  for await (const chunk of content) {
    const pieces: Uint8Array[] = [];
    let copied = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index];
      if (byte === lf && previous !== cr) {
        pieces.push(chunk.subarray(copied, index), lineEnd);
        copied = index + 1;
      } else if (previous === cr && byte !== lf) {
        pieces.push(chunk.subarray(copied, index), lineEnd.subarray(1));
        copied = index;
      }
      previous = byte;
    }
    pieces.push(chunk.subarray(copied));
    yield Buffer.concat(pieces);
  }
  if (previous === cr) yield lineEnd.subarray(1);
  else if (previous !== lf) yield lineEnd;
}
