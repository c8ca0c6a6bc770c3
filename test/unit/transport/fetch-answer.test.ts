import { describe, expect, it } from 'vitest';
import { readFetchAnswer } from '../../../shared/transport/imap/fetch-answer.ts';

const read = (line: string, ...literals: readonly string[]) =>
  readFetchAnswer(
    Buffer.from(line, 'latin1'),
    literals.map((literal) => Buffer.from(literal)),
  );

const header = 'BODY[HEADER.FIELDS (SUBJECT "X-Priority")] {12}\r\n';

describe('an answer to FETCH', () => {
  it('tells the message and its section, whatever else stands there and in what order', () => {
    const answer = read(
      `* 12 FETCH (FLAGS (\\Seen $Junk) UID 7 EMAILID (M1a) INTERNALDATE "24-Nov-2026 17:16:50 +0100" MODSEQ (9) ${header} RFC822.SIZE 2110)`,
      'Subject: a\r\n',
    );
    expect(answer).toEqual({
      uid: 7,
      sizeBytes: 2110,
      receivedAt: new Date('2026-11-24T16:16:50.000Z'),
      section: Buffer.from('Subject: a\r\n'),
    });
  });

  it('may say no more than that', () => {
    expect(read('* 1 FETCH (BODY[] {1}\r\n UID 3)', 'x')).toEqual({
      uid: 3,
      sizeBytes: undefined,
      receivedAt: undefined,
      section: Buffer.from('x'),
    });
  });

  it('has no date where none can be read', () => {
    expect(read('* 1 FETCH (UID 3 INTERNALDATE "tomorrow" BODY[] {1}\r\n)', 'x')?.receivedAt).toBeUndefined();
  });

  it.each([
    ['without a section', '* 1 FETCH (UID 3 FLAGS (\\Seen))', []],
    ['with a quoted section', '* 1 FETCH (UID 3 BODY[] "x")', []],
    ['with an empty section', '* 1 FETCH (UID 3 BODY[] NIL)', []],
    ['of another kind', '* 1 EXPUNGE', []],
    ['to a command', 'A1 OK [READ-ONLY] done {1}\r\n', ['x']],
    ['without a UID', '* 1 FETCH (BODY[] {1}\r\n)', ['x']],
    ['with a UID that is none', '* 1 FETCH (UID x BODY[] {1}\r\n)', ['x']],
    ['with two sections', '* 1 FETCH (UID 3 BODY[] {1}\r\n BODY[1] {1}\r\n)', ['x', 'y']],
    ['with a literal elsewhere', '* 1 FETCH (UID 3 X {1}\r\n BODY[] "y")', ['x']],
    ['with a structure', '* 1 FETCH (UID 3 BODYSTRUCTURE ("a" ("b" NIL)) BODY[] {1}\r\n)', ['x']],
    ['that goes on', '* 1 FETCH (UID 3 BODY[] {1}\r\n) more', ['x']],
    ['that breaks off', '* 1 FETCH (UID 3 BODY[] {1}\r\n', ['x']],
    ['that breaks off in a name', '* 1 FETCH (UID 3 BODY[HEADER {1}\r\n)', ['x']],
  ])('%s is left to the library', (_, line, literals) => {
    expect(read(line, ...literals)).toBeUndefined();
  });
});
