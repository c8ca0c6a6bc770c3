/** A message as it was composed, found inside of what servers made of it. */
export interface ComposedMessage {
  readonly raw: Buffer;
  /** The value of the first field of this name, unfolded; empty when there is none. */
  readonly header: (name: string) => string;
  /** Every field name, in lower case. */
  readonly names: readonly string[];
}

const unfold = (head: string): readonly string[] => head.replace(/\r\n(?=[ \t])/g, '').split('\r\n');

const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

export const readComposed = (raw: Buffer): ComposedMessage => {
  const lines = unfold(raw.toString('utf8').split('\r\n\r\n')[0] ?? '');
  const find = (name: string): string => lines.find((line) => nameOf(line) === name.toLowerCase()) ?? '';
  return {
    raw,
    header: (name) =>
      find(name)
        .slice(name.length + 1)
        .trim(),
    names: lines.map(nameOf),
  };
};

/** Leaves out the fields that servers put before a message on its way (RFC 5321 section 4.4). */
export const findOrigin = (received: Buffer): ComposedMessage => {
  const added = /^(?:(?:Return-Path|Delivered-To|Received|X-Original-To):[^\r]*\r\n(?:[ \t][^\r]*\r\n)*)*/i;
  const [prefix = ''] = added.exec(received.toString('latin1')) ?? [];
  return readComposed(received.subarray(prefix.length));
};
