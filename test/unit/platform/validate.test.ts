import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { FaultError } from '../../../shared/platform/fault.ts';
import { validate } from '../../../shared/platform/validate.ts';

const errorsOf = (schema: z.ZodType, input: unknown): unknown => {
  try {
    validate(schema, input);
  } catch (error) {
    return (error as FaultError).fault.errors;
  }
  return [];
};

describe('a wrong input', () => {
  it('is told which fields are missing, also below one that is missing', () => {
    const schema = z.strictObject({ name: z.string(), inner: z.strictObject({ list: z.array(z.string()) }) });

    expect(errorsOf(schema, { inner: {} })).toEqual([
      { pointer: '#/name', code: 'required', detail: 'This field is missing' },
      { pointer: '#/inner/list', code: 'required', detail: 'This field is missing' },
    ]);
  });

  it('is not told that an entry of a list is missing when the list was a text with commas', () => {
    const list = z.string().transform((text) => text.split(','));
    const schema = z.strictObject({ origins: list.pipe(z.array(z.enum(['crm', 'mailbox']))) });

    expect(errorsOf(schema, { origins: 'crm,nobody' })).toMatchObject([
      { pointer: '#/origins/1', code: 'invalidValue', detail: expect.stringContaining('"mailbox"') },
    ]);
  });

  it('is told in the words of the rule which of several fields are needed', () => {
    const rule = { message: 'one or two is needed', params: { code: 'required' } };
    const schema = z
      .strictObject({ one: z.string().optional(), two: z.string().optional() })
      .refine(({ one, two }) => (one === undefined) !== (two === undefined), rule);

    expect(errorsOf(schema, { one: 'a', two: 'b' })).toEqual([
      { pointer: '#', code: 'required', detail: 'one or two is needed' },
    ]);
  });
});
