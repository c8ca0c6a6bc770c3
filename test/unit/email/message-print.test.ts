import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printMessage, printsAgree } from '../../../shared/email/message-print.ts';
import { defaultSettings } from '../../support/default-settings.ts';

const settings = defaultSettings.correlation.smartMatching;
const word = fc.string({ unit: fc.constantFrom(...'abcdefgäöüßéñ漢字'), minLength: 1, maxLength: 8 });
const subject = fc.array(word, { minLength: 1, maxLength: 12 });
const addresses = fc.uniqueArray(fc.emailAddress({ size: 'small' }), {
  minLength: 2,
  maxLength: 8,
  selector: (address) => address.toLowerCase(),
});
const print = (words: readonly string[], people: readonly string[], changes: Partial<typeof settings> = {}) =>
  printMessage(words.join(' '), people, ['CRM:'], { ...settings, ...changes });

describe('smart matching', () => {
  it('agrees with every answer to a message, whatever prefixes, case and tokens were put to it', () => {
    const prefix = fc.constantFrom('', 'Re: ', 'AW: Re :', 'RÉP: ', 'Fwd:', '回复：');
    fc.assert(
      fc.property(subject, addresses, prefix, (words, people, before) => {
        const sent = printMessage(`${words.join(' ')} CRM:0017001`, people, ['CRM:'], settings);
        const answer = printMessage(
          `${before}${words.join('  ').toUpperCase()}`,
          people.toReversed(),
          ['CRM:'],
          settings,
        );
        // Some letters have no single capital: "ß" becomes "SS".
        fc.pre(words.join('').toUpperCase().toLowerCase() === words.join(''));
        expect(printsAgree(answer, sent, settings)).toBe(true);
      }),
    );
  });

  it('is the same in both directions', () => {
    fc.assert(
      fc.property(subject, subject, addresses, fc.nat(3), (one, other, people, deltaWords) => {
        const options = { ...settings, deltaWords };
        const [first, second] = [print(one, people), print(other, people)];
        expect(printsAgree(first, second, options)).toBe(printsAgree(second, first, options));
      }),
    );
  });

  it('lets one subject have as many words more as it is told, and none besides', () => {
    fc.assert(
      fc.property(
        subject,
        fc.array(word, { maxLength: 5 }),
        addresses,
        fc.nat(5),
        (words, more, people, deltaWords) => {
          const agree = printsAgree(print([...words, ...more], people), print(words, people), {
            ...settings,
            deltaWords,
          });
          expect(agree).toBe(more.length <= deltaWords);
        },
      ),
    );
  });

  it('asks for as many addresses in common as it is told', () => {
    fc.assert(
      fc.property(
        subject,
        addresses,
        fc.nat(8),
        fc.integer({ min: 1, max: 8 }),
        (words, people, count, minAddresses) => {
          const common = people.slice(0, count);
          const other = print(words, [...common, 'somebody@else.example']);
          expect(printsAgree(print(words, people), other, { ...settings, minAddresses })).toBe(
            common.length >= minAddresses,
          );
        },
      ),
    );
  });

  it('never agrees on subjects without a word', () => {
    const people = ['anna@contoso.example', 'carl@client.example'];
    expect(printsAgree(print([], people), print([], people), settings)).toBe(false);
    expect(printsAgree(print(['Re:'], people), print(['AW:'], people), settings)).toBe(false);
  });

  it('counts a word as often as it stands there', () => {
    const people = ['anna@contoso.example', 'carl@client.example'];
    expect(printsAgree(print(['a', 'a', 'b'], people), print(['a', 'b', 'b'], people), settings)).toBe(false);
  });

  it('strips single words with a colon only: an out-of-office notice keeps its words', () => {
    const people = ['anna@contoso.example', 'carl@client.example'];
    const sent = print(['Our', 'offer'], people);
    expect(printsAgree(printMessage('Out of office: Our offer', people, [], settings), sent, settings)).toBe(false);
    expect(printsAgree(printMessage('Re: AW : Fwd: our offer', people, [], settings), sent, settings)).toBe(true);
  });
});
