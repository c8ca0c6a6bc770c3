import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { expect, it } from 'vitest';
import { readAddresses } from '../../../../shared/email/mime/mail-addresses.ts';

const textOf = (letters: string) =>
  fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((chosen) => chosen.join(''));

it('reads an ordinary address as a parser of whole lists does', () => {
  const name = textOf("ab Z9._'-,");
  const address = fc.tuple(textOf('aZ9._+-'), textOf('bC9.-')).map(([local, domain]) => `${local}@${domain}`);
  const value = fc.oneof(
    fc.tuple(name, address).map(([shown, one]) => `${shown} <${one}>`),
    fc.tuple(name, address).map(([shown, one]) => `"${shown}" <${one}>`),
    address.map((one) => `<${one}>`),
    address,
  );
  fc.assert(
    fc.property(value, (text) => {
      const parsed = addressparser(text, { flatten: true }).map((one) => ({ ...one, name: one.name.trim() }));
      expect(readAddresses(text)).toEqual(parsed.filter((one) => one.address.includes('@')));
    }),
    { numRuns: 2_000 },
  );
});
