const equals = 0x3d;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const hexValue = (byte: number | undefined): number => {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const upper = byte & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
};

/** Where a soft line break that begins at `at` ends, or -1: "=" and perhaps blanks before the end of the line. */
const softBreakEnd = (bytes: Buffer, at: number): number => {
  let next = at + 1;
  while (bytes[next] === 0x20 || bytes[next] === 0x09) next += 1;
  if (bytes[next] === carriageReturn && bytes[next + 1] === lineFeed) return next + 2;
  return bytes[next] === lineFeed || next >= bytes.length ? next + 1 : -1;
};

const decodeQuotedPrintable = (bytes: Buffer): Buffer => {
  const decoded = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === equals) {
      const high = hexValue(bytes[at + 1]);
      const low = hexValue(bytes[at + 2]);
      if (high !== -1 && low !== -1) {
        decoded[length] = high * 16 + low;
        length += 1;
        at += 3;
        continue;
      }
      const lineEnd = softBreakEnd(bytes, at);
      if (lineEnd !== -1) {
        at = lineEnd;
        continue;
      }
    }
    // An equals sign that means nothing stays as it is (RFC 2045 section 6.7).
    decoded[length] = byte;
    length += 1;
    at += 1;
  }
  return decoded.subarray(0, length);
};

/** Undoes a Content-Transfer-Encoding; bytes in an unknown one stay as they are. */
export const decodeTransferEncoding = (bytes: Buffer, encoding: string): Buffer => {
  switch (encoding) {
    case 'base64':
      // Passes over everything that is not of the alphabet, line breaks included.
      return Buffer.from(bytes.toString('latin1'), 'base64');
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes);
    default:
      return bytes;
  }
};
