import { describe, expect, it } from 'vitest';
import type { Email } from '../../../shared/email/email.ts';
import { referencesAfter } from '../../../shared/email/references.ts';

const answering = (fields: Pick<Email, 'messageId' | 'references'>) => referencesAfter(fields as Email);

describe('the references of an answer', () => {
  it('end with the email that is answered, also where that one refers to itself', () => {
    expect(answering({ messageId: '<b@x>', references: ['<a@x>'] })).toEqual(['<a@x>', '<b@x>']);
    expect(answering({ messageId: '<b@x>', references: ['<a@x>', '<b@x>', '<c@x>'] })).toEqual([
      '<a@x>',
      '<c@x>',
      '<b@x>',
    ]);
  });

  it('keep the first one and the last ones of a long thread', () => {
    const references = Array.from({ length: 30 }, (_, index) => `<${index}@x>`);

    const kept = answering({ messageId: '<new@x>', references });

    expect([kept.length, kept[0], kept[1], kept.at(-1)]).toEqual([20, '<0@x>', '<12@x>', '<new@x>']);
  });
});
