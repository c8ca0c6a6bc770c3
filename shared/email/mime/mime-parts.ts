import { decodeWords, parseParameters } from './decode-text.ts';
import { findBody, type HeaderField, readHeaderFields } from './header-fields.ts';

/** A leaf of a message: where its content stands in the raw bytes and what its header says of it. */
export interface MimePart {
  /** Media type in lower case, without parameters. */
  readonly contentType: string;
  readonly charset: string | undefined;
  readonly flowed: boolean;
  readonly deleteSpace: boolean;
  readonly disposition: 'inline' | 'attachment' | undefined;
  readonly fileName: string | undefined;
  readonly contentId: string | undefined;
  /** In lower case. */
  readonly encoding: string;
  readonly start: number;
  readonly end: number;
}

const mostParts = 1_000;
// Every level is searched for its delimiter once, so the depth bounds the work on a hostile message.
const deepest = 100;
const longestValue = 10_000;
const mediaType = /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,120}$/;

const describe = (fields: readonly HeaderField[], defaultType: string) => {
  const first = (name: string): string =>
    (fields.find((field) => field.name === name)?.value ?? '').slice(0, longestValue);
  const type = parseParameters(first('content-type'));
  const disposition = parseParameters(first('content-disposition'));
  const fileName = disposition.params['filename'] ?? type.params['name'];
  return {
    contentType: mediaType.test(type.value) ? type.value : defaultType,
    boundary: type.params['boundary']?.trimEnd(),
    charset: type.params['charset'],
    flowed: type.params['format']?.toLowerCase() === 'flowed',
    deleteSpace: type.params['delsp']?.toLowerCase() === 'yes',
    // RFC 2183 section 2.8: an unknown disposition counts as attachment.
    disposition:
      disposition.value === ''
        ? undefined
        : disposition.value === 'inline'
          ? ('inline' as const)
          : ('attachment' as const),
    fileName: fileName === undefined ? undefined : decodeWords(fileName),
    contentId: /<([^<>\s]{1,300})>/.exec(first('content-id'))?.[1],
    encoding: first('content-transfer-encoding').trim().toLowerCase(),
  };
};

interface Delimited {
  readonly start: number;
  readonly end: number;
}

/** The parts between the delimiter lines of a multipart body (RFC 2046 section 5.1.1); the last one may be missing. */
const splitMultipart = (raw: Buffer, start: number, end: number, boundary: string): readonly Delimited[] => {
  const region = raw.subarray(start, end);
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Delimited[] = [];
  let open: number | undefined;
  const close = (at: number): void => {
    if (open === undefined) return;
    // The line break before a delimiter belongs to the delimiter.
    const lineFeed = region[at - 1] === 0x0a ? 1 : 0;
    const trimmed = at - lineFeed - (lineFeed === 1 && region[at - 2] === 0x0d ? 1 : 0);
    parts.push({ start: start + open, end: start + Math.max(open, trimmed) });
  };
  let found = region.indexOf(delimiter);
  for (; found !== -1 && parts.length < mostParts; found = region.indexOf(delimiter, found + 1)) {
    if (found > 0 && region[found - 1] !== 0x0a) continue;
    const lineEnd = region.indexOf(0x0a, found);
    const rest = region
      .subarray(found + delimiter.length, lineEnd === -1 ? region.length : lineEnd)
      .toString('latin1', 0, 80);
    if (!/^(?:--)?[ \t\r]*$/.test(rest)) continue;
    close(found);
    open = rest.startsWith('--') || lineEnd === -1 ? undefined : lineEnd + 1;
    if (open === undefined) break;
  }
  if (found === -1) close(region.length);
  return parts;
};

/** The leaves of a message in order. What is nested too deep becomes a leaf itself; parts beyond 1,000 are left out. */
export const listParts = (raw: Buffer): readonly MimePart[] => {
  const parts: MimePart[] = [];
  const visit = (start: number, end: number, depth: number, defaultType: string): void => {
    if (parts.length >= mostParts) return;
    const { headerEnd, bodyStart } = findBody(raw, start, end);
    const { boundary, ...described } = describe(readHeaderFields(raw.subarray(start, headerEnd)), defaultType);
    const isMultipart = described.contentType.startsWith('multipart/');
    if (isMultipart && boundary !== undefined && boundary !== '' && depth < deepest) {
      const inner = described.contentType === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
      for (const part of splitMultipart(raw, bodyStart, end, boundary)) visit(part.start, part.end, depth + 1, inner);
      return;
    }
    // A multipart without a delimiter is what it shows: text.
    const contentType = isMultipart && depth < deepest ? 'text/plain' : described.contentType;
    parts.push({ ...described, contentType, start: bodyStart, end });
  };
  visit(0, raw.length, 0, 'text/plain');
  return parts;
};
