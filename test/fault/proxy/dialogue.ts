import type { Moment } from '../plan/step.ts';

/** A piece of what one side says, passed on whole or not at all. */
export interface Unit {
  readonly bytes: Buffer;
  /** The step that it stands for; absent for what belongs to the step before. */
  readonly step?: { readonly name: string; readonly moment: Moment };
  /** The command that it belongs to. */
  readonly tag?: string;
}

/** How a server can refuse or lead on its client. */
export interface Answers {
  readonly goodbye: (tag: string | undefined) => string;
  readonly refusal: (tag: string | undefined) => string;
  readonly loginLimit: (tag: string | undefined) => string;
  readonly noSpace: (tag: string | undefined) => string;
}

/** Cuts both sides of a mail protocol into units. */
export interface Dialogue {
  readonly fromClient: (chunk: Buffer) => readonly Unit[];
  readonly fromServer: (chunk: Buffer) => readonly Unit[];
  readonly answers: Answers;
}

/** Cuts bytes into lines with their ends, and into as many raw bytes as were asked for in between. */
export class LineCutter {
  #buffered: Buffer = Buffer.alloc(0);
  #rawBytes = 0;

  /** The next so many bytes are no line. */
  expectRaw(bytes: number): void {
    this.#rawBytes += bytes;
  }

  push(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
  }

  /** What comes next, as far as it is there. */
  take(): { readonly kind: 'line' | 'raw'; readonly bytes: Buffer } | undefined {
    if (this.#buffered.length === 0) return undefined;
    if (this.#rawBytes > 0) {
      const bytes = this.#cut(Math.min(this.#rawBytes, this.#buffered.length));
      this.#rawBytes -= bytes.length;
      return { kind: 'raw', bytes };
    }
    const end = this.#buffered.indexOf('\n');
    return end === -1 ? undefined : { kind: 'line', bytes: this.#cut(end + 1) };
  }

  /** All that is there, whatever it is. */
  takeAll(): Buffer {
    return this.#cut(this.#buffered.length);
  }

  /** Puts bytes back, to be taken next. */
  putBack(bytes: Buffer): void {
    this.#buffered = Buffer.concat([bytes, this.#buffered]);
  }

  #cut(length: number): Buffer {
    const bytes = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return bytes;
  }
}
