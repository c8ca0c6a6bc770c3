import { createRequire } from 'node:module';
import fc from 'fast-check';
import { encodeWords } from 'nodemailer/lib/mime-funcs';
import { describe, expect, it } from 'vitest';
import { decodeText, decodeWords } from '../../../../shared/email/mime/decode-text.ts';
import { processorTimeOf } from '../../../support/processor-time.ts';

// The tables that libmime brings, to compare with.
const iconv: { readonly decode: (bytes: Buffer, charset: string) => string } = createRequire(
  import.meta.resolve('libmime'),
)('iconv-lite');

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('text in a character set', () => {
  it.each([
    ['utf-8', '4772c3bcc39fe2', 'Grüß\ufffd'],
    ['"UTF-8"', 'c3bc', 'ü'],
    ['utf8mb4', 'f09f9880', '😀'],
    ['latin-1', 'fc', 'ü'],
    ['iso-8859-15', 'a4', '€'],
    ['Windows1252', '80', '€'],
    ['win-1251', 'cff0e8', 'При'],
    ['koi8-ru', 'd0d2', 'пр'],
    ['ibm437', '81', 'ü'],
    ['dos-850', '81', 'ü'],
    ['cp858', 'd5', '€'],
    ['cp737', '80', 'Α'],
    ['ibm862', '80', 'א'],
    ['viscii', 'ea', 'ê'],
    ['tis-620', 'a1', 'ก'],
    ['hz-gb-2312', '7e7b31283c5b7e7d206f6b', '报价 ok'],
    ['iso-2022-kr', '1b2429430e30210f206f6b', '가 ok'],
    ['iso-2022-cn', '1b2429410e31283c5b0f206f6b', '报价 ok'],
    ['iso-2022-jp-2', '1b2442244f1b2842', 'は'],
    ['x-sjis', '82cd', 'は'],
    ['cp51932', 'a4cf', 'は'],
    ['ks_c_5601-1987', 'b0a1', '가'],
    ['utf-7', '2b414f6b2d', 'é'],
    ['utf-16', 'fffee900', 'é'],
    ['utf-16', 'feff00e9', 'é'],
    ['utf-16', '00e9', 'é'],
    ['utf-32', '0001f600', '😀'],
    ['no-such-set', 'c3bc', 'ü'],
    ['', 'fc', 'ü'],
  ])('named %s is read', (charset, bytes, text) => {
    expect(decodeText(hex(bytes), charset)).toBe(text);
  });

  it('is read as others read it, in every set of one byte', () => {
    const sets = [
      'cp437',
      'cp737',
      'cp775',
      'cp850',
      'cp852',
      'cp855',
      'cp857',
      'cp860',
      'cp861',
      'cp862',
      'cp863',
      'cp865',
      'cp866',
    ];
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    for (const set of sets) expect(decodeText(all, set)).toBe(iconv.decode(all, set));
  });

  it('is well-formed whatever bytes stand under whatever name', () => {
    const name = fc.constantFrom(
      'utf-7',
      'hz-gb-2312',
      'iso-2022-kr',
      'utf-16',
      'utf-32',
      'cp437',
      'iso-2022-jp',
      'x',
      '',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), name, (bytes, charset) => {
        expect(decodeText(Buffer.from(bytes), charset).isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('encoded words', () => {
  it('give back what was written, in either encoding and however long it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constantFrom('Q', 'B'), (text, encoding) => {
        fc.pre(!text.includes('=?') && text === text.trim());
        const written = encodeWords(text, encoding, 52, true).replace(/\r?\n\s/g, ' ');
        expect(decodeWords(written)).toBe(text);
      }),
    );
  });

  it.each([
    ['=?utf-8?Q?Unser?= =?utf-8?Q?_Angebot?= CRM:0017001', 'Unser Angebot CRM:0017001'],
    ['=?iso-8859-1?Q?Gr=FC=DFe?= und mehr', 'Grüße und mehr'],
    ['=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
    ['=?utf-8?Q?=E2=82?= =?UTF-8?Q?=AC?=', '€'],
    ['=?utf-8?B?4oI=?= =?utf-8?B?rA==?=', '€'],
    ['=?utf-8?B?R3LDv?= =?utf-8?B?MOfZQ==?=', 'Grüße'],
    ['=?gb2312?B?sai8?= =?gb2312?B?2w==?=', '报价'],
    ['=?iso-2022-jp?B?GyRCJDMbKEI=?= =?iso-2022-jp?B?GyRCJHMbKEI=?=', 'こん'],
    ['=?utf-8?Q?Hello world?=', 'Hello world'],
    ['=?utf-8?X?Hello?=', '=?utf-8?X?Hello?='],
    ['=?utf-8?Q?open', '=?utf-8?Q?open'],
    ['Größe', 'Größe'],
  ])('%j is read as %j', (written, text) => {
    expect(decodeWords(written)).toBe(text);
  });

  it('are read in short time whatever stands there', () => {
    const hostile = ['=?'.repeat(5_000), '=?a?q?'.repeat(2_000), `=?${'a'.repeat(10_000)}`, '=?a?b?b?='.repeat(1_000)];
    expect(processorTimeOf(() => void hostile.map(decodeWords))).toBeLessThan(1_000);
  });
});
