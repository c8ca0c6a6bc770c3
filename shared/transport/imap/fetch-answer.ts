/** What a server sent of one message. */
export interface FetchAnswer {
  readonly uid: number;
  /** RFC822.SIZE. */
  readonly sizeBytes: number | undefined;
  /** INTERNALDATE. */
  readonly receivedAt: Date | undefined;
  /** The section that was asked for: header or whole message. */
  readonly section: Buffer | undefined;
}

const space = ' ';
const opening = /^\* \d{1,10} FETCH \(/i;
const literalMark = /~?\{\d{1,10}\+?\}\r?\n/y;
const plainNumber = /^\d{1,15}$/;

/** Where a value that is no literal ends, or -1 where that is not plain to see. */
const skipValue = (text: string, start: number): number => {
  switch (text[start]) {
    case '(': {
      // Flags and numbers; anything that nests or quotes is read elsewhere.
      const end = text.indexOf(')', start);
      const inside = end === -1 ? '"' : text.slice(start + 1, end);
      return inside.includes('(') || inside.includes('"') ? -1 : end + 1;
    }
    case '"': {
      const end = text.indexOf('"', start + 1);
      return end === -1 || text.slice(start, end).includes('\\') ? -1 : end + 1;
    }
    default: {
      let end = start;
      while (end < text.length && text[end] !== space && text[end] !== ')') end += 1;
      return end === start || text[start] === '{' ? -1 : end;
    }
  }
};

/**
 * Reads the answer to a FETCH of one section and of items without structure, which is what reading a mailbox takes by
 * the ten thousand. Undefined for everything else, right or wrong: that is left to the library.
 *
 * @param line the answer without its literals
 */
export const readFetchAnswer = (line: Buffer, literals: readonly Buffer[]): FetchAnswer | undefined => {
  const [section] = literals;
  if (section === undefined || literals.length > 1) return undefined;
  const text = line.toString('latin1');
  let at = opening.exec(text)?.[0].length ?? -1;
  if (at === -1) return undefined;
  let uid: string | undefined;
  let size: string | undefined;
  let date: string | undefined;
  let hasSection = false;
  for (;;) {
    const isBody = text.startsWith('BODY[', at) || text.startsWith('body[', at);
    const bracket = isBody ? text.indexOf(']', at) : -1;
    if (isBody && bracket === -1) return undefined;
    const nameEnd = text.indexOf(space, isBody ? bracket : at);
    if (nameEnd === -1) return undefined;
    const start = nameEnd + 1;
    let end: number;
    if (isBody) {
      literalMark.lastIndex = start;
      if (hasSection || !literalMark.test(text)) return undefined;
      hasSection = true;
      end = literalMark.lastIndex;
    } else {
      end = skipValue(text, start);
      if (end === -1) return undefined;
      const name = text.slice(at, nameEnd).toUpperCase();
      if (name === 'UID') uid = text.slice(start, end);
      else if (name === 'RFC822.SIZE') size = text.slice(start, end);
      else if (name === 'INTERNALDATE') date = text.slice(start + 1, end - 1);
    }
    if (text[end] === ')') {
      at = end + 1;
      break;
    }
    if (text[end] !== space) return undefined;
    at = end + 1;
  }
  if (at !== text.length || !hasSection || uid === undefined || !plainNumber.test(uid)) return undefined;
  if (size !== undefined && !plainNumber.test(size)) return undefined;
  const receivedAt = date === undefined ? undefined : new Date(date);
  return {
    uid: Number(uid),
    sizeBytes: size === undefined ? undefined : Number(size),
    receivedAt: Number.isNaN(receivedAt?.getTime()) ? undefined : receivedAt,
    section,
  };
};
