/** A command that the server answered with -ERR. */
export class Pop3Refusal extends Error {
  /** What the server said, without its code. */
  readonly words: string;
  /** In upper case: `SYS/TEMP` of `-ERR [SYS/TEMP] …` (RFC 2449 section 8, RFC 3206). */
  readonly responseCode: string | undefined;

  constructor(text: string) {
    const code = /^\[([A-Za-z0-9/_-]{1,40})\]\s*/.exec(text);
    super(text);
    this.name = 'Pop3Refusal';
    this.words = code === null ? text : text.slice(code[0].length);
    this.responseCode = code?.[1]?.toUpperCase();
  }
}
