import { decodeHeaderBytes } from './decode-text.ts';

export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded, encoded words not yet decoded. */
  readonly value: string;
}

// 10,000 recipients take about 400 KB; what stands behind a megabyte of header is not looked at.
const readBytes = 1024 * 1024;
const namePattern = /^[\x21-\x39\x3b-\x7e]{1,100}[ \t]*$/;

/**
 * The fields of a header, in order. Lines that are no fields are passed over: mail with a broken header is still mail.
 */
export const readHeaderFields = (header: Buffer): readonly HeaderField[] => {
  const fields: HeaderField[] = [];
  let open: string[] = [];
  const finish = (): void => {
    const line = open.length === 1 ? (open[0] ?? '') : open.join(' ');
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (namePattern.test(name))
      fields.push({ name: name.trimEnd().toLowerCase(), value: line.slice(colon + 1).trim() });
    open = [];
  };
  for (const line of decodeHeaderBytes(header.subarray(0, readBytes)).split(/\r\n|\n|\r/)) {
    if (line === '') continue;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      // A folded line (RFC 5322 section 2.2.3); one at the very beginning continues nothing.
      if (open.length > 0) open.push(line.trim());
      continue;
    }
    finish();
    open = [line];
  }
  finish();
  return fields;
};

/** Where the header of an entity that stands from `start` to `end` ends and where its body begins. */
export const findBody = (
  raw: Buffer,
  start: number,
  end: number,
): { readonly headerEnd: number; readonly bodyStart: number } => {
  // An empty first line: no header at all.
  if (raw[start] === 0x0a) return { headerEnd: start, bodyStart: start + 1 };
  if (raw[start] === 0x0d && raw[start + 1] === 0x0a) return { headerEnd: start, bodyStart: start + 2 };
  const region = raw.subarray(start, end);
  for (let line = region.indexOf(0x0a); line !== -1; line = region.indexOf(0x0a, line + 1)) {
    const next = region[line + 1] === 0x0d ? line + 2 : line + 1;
    if (region[next] === 0x0a) return { headerEnd: start + line + 1, bodyStart: start + next + 1 };
  }
  return { headerEnd: end, bodyStart: end };
};
