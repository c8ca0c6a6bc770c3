import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAddress, normalizeAddress } from '../../../shared/platform/address.ts';

describe('an address', () => {
  test.each([
    'anna@contoso.example',
    'Anna.Smith+crm@mail.contoso.example',
    "o'hara@contoso.example",
    'a#b@contoso.example',
    '"anna smith"@contoso.example',
    'anna@localhost',
    'anna@[192.0.2.1]',
    'anna@[IPv6:2001:db8::1]',
    'jürg@zürich.example',
    'anna@xn--zrich-kva.example',
  ])('%s is one', (text) => {
    expect(isAddress(text)).toBe(true);
  });

  test.each([
    '',
    'anna',
    '@contoso.example',
    'anna@',
    'anna smith@contoso.example',
    'anna..smith@contoso.example',
    '.anna@contoso.example',
    'Anna <anna@contoso.example>',
    'anna@contoso..example',
    'anna@-contoso.example',
    'anna@contoso.example.',
    'anna@cont%6Fso.example',
    'anna@contoso.example#x',
    'anna<x>@contoso.example',
    'anna@192.0.2.1',
    'anna@[192.0.2.256]',
    'anna@contoso.example\r\nBcc: all@contoso.example',
    `${'a'.repeat(65)}@contoso.example`,
    `anna@${'a.'.repeat(130)}example`,
  ])('%j is none', (text) => {
    expect(isAddress(text)).toBe(false);
  });
});

describe('addresses are compared', () => {
  test('without regard to case', () => {
    expect(normalizeAddress(' Anna@Contoso.EXAMPLE ')).toBe(normalizeAddress('anna@contoso.example'));
  });

  test('without regard to case where only the small letter is one character with its mark', () => {
    expect(normalizeAddress('H\u0331asan@contoso.example')).toBe(normalizeAddress('\u1e96asan@contoso.example'));
  });

  test('with internationalized domains in either form', () => {
    expect(normalizeAddress('anna@Zürich.example')).toBe(normalizeAddress('anna@XN--ZRICH-KVA.example'));
  });

  test('with every domain in the form that the resolver asks for', () => {
    const label = fc.oneof(
      fc.array(fc.constantFrom(...'abxn-0'), { maxLength: 8 }).map((letters) => letters.join('')),
      fc.constantFrom('xn--zrich-kva', 'xn--a', 'ab--c', '0x7f', '1', 'zürich'),
    );
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
        const domain = labels.join('.').toLowerCase();
        const ascii = domainToASCII(domain);
        expect(normalizeAddress(`anna@${domain}`)).toBe(`anna@${ascii === '' ? domain : ascii}`);
      }),
      { numRuns: 1_000 },
    );
  });

  test('by the part before the @, too', () => {
    expect(normalizeAddress('anna@contoso.example')).not.toBe(normalizeAddress('ann@contoso.example'));
  });

  test('in a form that stays as it is when it is normalized again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.emailAddress()), (text) => {
        const once = normalizeAddress(text);
        expect(normalizeAddress(once)).toBe(once);
      }),
    );
  });

  test('and every ordinary address is accepted in its normal form', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (text) => {
        fc.pre(isAddress(text));
        expect(isAddress(normalizeAddress(text))).toBe(true);
      }),
    );
  });
});
