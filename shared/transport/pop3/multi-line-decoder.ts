const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const dot = 0x2e;
const stuffedLine = Buffer.from('\r\n.');

/**
 * Takes an answer of several lines out of the bytes of a connection: undoes dot-stuffing and finds the end (RFC 1939
 * section 3). Every other byte stays as it is. Only CR LF ends a line: where a message has bare line feeds, an end
 * that is found behind one of them would be its sender's word and not the server's.
 */
export class MultiLineDecoder {
  #state: 'text' | 'return' | 'lineStart' | 'dot' | 'dotReturn' = 'lineStart';

  /**
   * Decodes what one read of the connection gave, in any cut.
   *
   * @param take gets the pieces of the answer; they are parts of `bytes`
   * @returns where the answer ended; undefined when it goes on behind these bytes
   */
  decode(bytes: Buffer, from: number, take: (piece: Buffer) => void): number | undefined {
    let start = from;
    let at = from;
    const emit = (end: number): void => {
      if (end > start) take(bytes.subarray(start, end));
    };
    while (at < bytes.length) {
      const byte = bytes[at];
      switch (this.#state) {
        case 'text': {
          const found = bytes.indexOf(stuffedLine, at);
          if (found === -1) {
            this.#state = endOf(bytes, at);
            at = bytes.length;
          } else {
            emit(found + 2);
            at = found + 3;
            start = at;
            this.#state = 'dot';
          }
          break;
        }
        case 'return':
          if (byte === lineFeed) {
            at += 1;
            this.#state = 'lineStart';
          } else this.#state = 'text';
          break;
        case 'lineStart':
          if (byte === dot) {
            emit(at);
            at += 1;
            start = at;
            this.#state = 'dot';
          } else this.#state = 'text';
          break;
        case 'dot':
          // The dot itself is left out, whether it ends the answer or stands before a line that begins with one.
          if (byte === carriageReturn) {
            at += 1;
            start = at;
            this.#state = 'dotReturn';
          } else this.#state = 'text';
          break;
        case 'dotReturn':
          if (byte === lineFeed) return at + 1;
          take(Buffer.of(carriageReturn));
          start = at;
          this.#state = 'text';
          break;
      }
    }
    emit(bytes.length);
    return undefined;
  }
}

/** What follows on bytes that hold no further stuffed line. */
const endOf = (bytes: Buffer, at: number): 'text' | 'return' | 'lineStart' => {
  const last = bytes[bytes.length - 1];
  if (last === carriageReturn) return 'return';
  const isLineStart = last === lineFeed && bytes.length - 2 >= at && bytes[bytes.length - 2] === carriageReturn;
  return isLineStart ? 'lineStart' : 'text';
};
