import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  continueConversationIndex,
  conversationRoot,
  readConversationIndex,
  startConversationIndex,
} from '../../../shared/email/conversation-index.ts';
import { conversationTopic, isForwarded } from '../../../shared/email/conversation-topic.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { processorTimeOf } from '../../support/processor-time.ts';

const instant = fc.date({ min: new Date('2010-01-01'), max: new Date('2060-01-01'), noInvalidDate: true });

// The upper six bytes of a FILETIME are a time to 6.5536 ms.
const timeOf = (index: string): number =>
  Number((Buffer.from(index, 'base64').readBigUInt64BE() & 0xffff_ffff_ffff_0000n) / 10_000n - 11_644_473_600_000n);

/** How long after its beginning the last answer of a conversation came, as readers of the header reckon it. */
const delayOf = (index: string): number => {
  const code = Buffer.from(index, 'base64').subarray(-5).readUInt32BE();
  const ticks = BigInt(code & 0x7fff_ffff) << (code >>> 31 === 1 ? 23n : 18n);
  return Number(ticks / 10_000n);
};

describe('the index of a conversation', () => {
  it('begins with the time at which the conversation began', () => {
    fc.assert(
      fc.property(instant, (at) => {
        const index = startConversationIndex(createIdentifier('eml', at.getTime()));
        expect(Buffer.from(index, 'base64')).toHaveLength(22);
        expect(at.getTime() - timeOf(index)).toBeLessThanOrEqual(7);
        expect(at.getTime()).toBeGreaterThanOrEqual(timeOf(index));
      }),
    );
  });

  it('keeps its root over any number of answers, which differs from that of every other conversation', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 100 }), (at, answers) => {
        const [one, other] = [createIdentifier('eml', at.getTime()), createIdentifier('eml', at.getTime())];
        let index = startConversationIndex(one);
        for (let answer = 0; answer < answers; answer += 1)
          index = continueConversationIndex(index, `answer-${answer}`, new Date(at.getTime() + answer * 1000));
        expect(conversationRoot(index)).toBe(conversationRoot(startConversationIndex(one)));
        expect(conversationRoot(index)).not.toBe(conversationRoot(startConversationIndex(other)));
        expect(readConversationIndex(index)).toBe(index);
        expect(index.length).toBeLessThan(900);
      }),
    );
  });

  it('tells how long after the beginning an answer came, to 27 ms within 1.7 years and to a second later on', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 50 * 365 * 86_400_000 }), (at, passed) => {
        const begun = startConversationIndex(createIdentifier('eml', at.getTime()));
        const index = continueConversationIndex(begun, 'answer', new Date(at.getTime() + passed));
        const exact = passed < 1.7 * 365 * 86_400_000 ? 34 : 850;
        expect(Math.abs(delayOf(index) - passed)).toBeLessThanOrEqual(exact);
      }),
    );
  });

  it('counts an answer that came before the beginning as coming with it', () => {
    const begun = startConversationIndex(createIdentifier('eml', Date.parse('2026-11-24')));
    expect(delayOf(continueConversationIndex(begun, 'answer', new Date('2026-11-20')))).toBe(0);
  });

  it.each([
    ['nothing', undefined],
    ['what is no Base64', 'Hello there'],
    ['what is shorter than a root', Buffer.alloc(21).toString('base64')],
  ])('is not read from %s', (_, value) => {
    expect(readConversationIndex(value)).toBeNull();
  });

  it('is read although the header was folded, and cut where a hostile one is endless', () => {
    const bytes = Buffer.alloc(2_000, 7);
    const folded = bytes.subarray(0, 60).toString('base64').replace(/.{20}/g, '$&\r\n ');
    expect(readConversationIndex(folded)).toBe(bytes.subarray(0, 60).toString('base64'));
    expect(readConversationIndex(bytes.toString('base64'))?.length).toBeLessThan(900);
  });
});

describe('the topic of a conversation', () => {
  it.each([
    ['Re: Our offer', 'Our offer'],
    ['AW: WG: RE[2]: Our offer', 'Our offer'],
    ['Fwd: Re: Réf : offre', 'Réf : offre'],
    ['回复：报价', '报价'],
    ['Recipe: soup', 'Recipe: soup'],
    ['  ', ''],
  ])('of %j is %j', (subject, topic) => {
    expect(conversationTopic(subject)).toBe(topic);
  });

  it('is the same however often a message is answered or forwarded', () => {
    const prefix = fc.constantFrom('Re: ', 'RE:', 'AW: ', 'SV: ', 'Fwd: ', 'WG: ', 'Re[3]: ', '转发：', 'Antw: ');
    fc.assert(
      fc.property(fc.array(prefix), fc.lorem(), (prefixes, topic) => {
        expect(conversationTopic(`${prefixes.join('')}${topic}`)).toBe(topic);
      }),
    );
  });

  it.each([
    ['Fwd: Re: Our offer', true],
    ['WG: Our offer', true],
    ['TR : notre offre', true],
    ['转发: 报价', true],
    ['Re: Fwd: Our offer', false],
    ['Fwdthinking: ideas', false],
    ['Our offer', false],
  ])('%j is forwarded: %s', (subject, expected) => {
    expect(isForwarded(subject)).toBe(expected);
  });

  it('is found in short time whatever the subject is', () => {
    const hostile = ['re '.repeat(400), `re${' '.repeat(1_000)}`, 're:'.repeat(400), `${' '.repeat(1_000)}x`];
    expect(processorTimeOf(() => void hostile.map(conversationTopic))).toBeLessThan(500);
  });
});
