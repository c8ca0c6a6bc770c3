import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendToken, findTokens, formatToken } from '../../../shared/email/tracking-token.ts';
import { defaultSettings } from '../../support/default-settings.ts';

const settings = defaultSettings.correlation.token;

const tokenSettings = fc.record({
  enabled: fc.constant(true),
  prefix: fc.constantFrom('CRM:', '[Ref#', 'Fälle-', 'a.b*', '€'),
  baseNumber: fc.integer({ min: 0, max: 2_147_483_647 }),
  userDigits: fc.integer({ min: 1, max: 10 }),
  counterDigits: fc.integer({ min: 1, max: 9 }),
});
const subject = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 500 }), fc.lorem({ maxCount: 80 }));

describe('the tracking token', () => {
  it('is the prefix, a digit, the number of the user and the counter', () => {
    expect(formatToken(settings, 17, 1)).toBe('CRM:0017001');
  });

  it('starts its counter again at 0 when the digits are full', () => {
    expect(formatToken(settings, 17, 999)).toBe('CRM:0017999');
    expect(formatToken(settings, 17, 1000)).toBe('CRM:0017000');
    expect(formatToken(settings, 17, 1001)).toBe('CRM:0017001');
  });

  it('adds the base number to the number of the user', () => {
    expect(formatToken({ ...settings, baseNumber: 500 }, 17, 1)).toBe('CRM:0517001');
  });

  it('lets a large number of a user grow rather than be that of another', () => {
    expect(formatToken(settings, 1017, 1)).toBe('CRM:01017001');
  });

  it('differs for any two users and any two counts within one round', () => {
    fc.assert(
      fc.property(tokenSettings, fc.nat(100_000), fc.nat(100_000), fc.nat(), fc.nat(), (options, a, b, m, n) => {
        const round = 10 ** options.counterDigits;
        fc.pre(a !== b || m % round !== n % round);
        return formatToken(options, a + 1, m) !== formatToken(options, b + 1, n);
      }),
    );
  });
});

describe('a subject with its token', () => {
  it('ends with the token', () => {
    expect(appendToken('Our offer', 'CRM:0017001', ['CRM:'], 255)).toBe('Our offer CRM:0017001');
    expect(appendToken('', 'CRM:0017001', ['CRM:'], 255)).toBe('CRM:0017001');
  });

  it('does not get the same token twice', () => {
    expect(appendToken('Our offer CRM:0017001', 'CRM:0017001', ['CRM:'], 255)).toBe('Our offer CRM:0017001');
  });

  it('gives the token of the answered email up for its own', () => {
    expect(appendToken('Re: Our offer CRM:0017001', 'CRM:0017002', ['CRM:'], 255)).toBe('Re: Our offer CRM:0017002');
  });

  it('is cut by characters, not by bytes', () => {
    expect(appendToken('ü'.repeat(300), 'CRM:0017001', ['CRM:'], 255)).toBe(`${'ü'.repeat(243)} CRM:0017001`);
  });

  it('is cut between visible characters', () => {
    const family = '👨‍👩‍👧';
    expect(appendToken(`ab${family}`, 'CRM:001', ['CRM:'], 12)).toBe('ab CRM:001');
  });

  it('goes without a token that does not fit', () => {
    expect(appendToken('Hello', 'CRM:0017001', ['CRM:'], 10)).toBe('Hello');
  });

  it('is never longer than the limit, always found again, and the same when done twice', () => {
    fc.assert(
      fc.property(subject, tokenSettings, fc.nat(99_999), fc.nat(), fc.integer({ min: 60, max: 400 }), (...input) => {
        const [text, options, user, count, limit] = input;
        const token = formatToken(options, user + 1, count);
        const once = appendToken(text, token, [options.prefix], limit);
        expect([...once].length).toBeLessThanOrEqual(limit);
        expect(findTokens(once, [options.prefix])[0]).toBe(token);
        expect(findTokens(`Re: ${once} `, [options.prefix])[0]).toBe(token);
        expect(appendToken(once, token, [options.prefix], limit)).toBe(once);
      }),
    );
  });
});

describe('finding tokens in a subject', () => {
  it('takes them wherever they stand, the last one first', () => {
    expect(findTokens('AW: CRM:0017001 and CRM:0018002 (urgent)', ['CRM:'])).toEqual(['CRM:0018002', 'CRM:0017001']);
  });

  it('does not take a part of a word or too few digits', () => {
    expect(findTokens('XCRM:0017001 CRM:12 CRM: 0017001', ['CRM:'])).toEqual([]);
  });

  it('finds none without a prefix in the subject', () => {
    expect(findTokens('Our offer 0017001', ['CRM:'])).toEqual([]);
  });
});
