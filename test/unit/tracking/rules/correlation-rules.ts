import { expect } from 'vitest';
import { continueConversationIndex, startConversationIndex } from '../../../../shared/email/conversation-index.ts';
import type { Rule } from './rule.ts';

const token = 'CRM:0001001';
const hour = 3_600_000;

export const correlationRules: readonly Rule[] = [
  {
    rule: 'An In-Reply-To that names a tracked email makes the message an answer to it, whatever its subject; the answer takes over what the email regards.',
    settings: ['correlation.inReplyTo'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent();
      const fields = { 'In-Reply-To': String(sent.messageId), Subject: 'Something else' };
      const { email, decision } = await world.receive(anna, { fields });
      expect(email).toMatchObject({
        correlation: { method: 'inReplyTo', emailId: sent.id },
        inReplyTo: sent.id,
        conversationId: sent.conversationId,
        regarding: sent.regarding,
      });
      const step = decision.steps.find((one) => one.step === 'correlation');
      expect(step).toMatchObject({ result: 'match', inputs: { emailId: sent.id, subjectChanged: true } });
      world.change({ correlation: { inReplyTo: false } });
      expect((await world.receive(anna, { fields })).email?.correlation.method).toBe('none');
    },
  },
  {
    rule: 'Where a program leaves In-Reply-To out, References count, the newest first.',
    settings: ['correlation.inReplyTo'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const [first, second] = [await world.sent(), await world.sent()];
      const References = `<unknown@client.example> ${first.messageId} ${second.messageId} <later@client.example>`;
      const { email } = await world.receive(anna, { fields: { References } });
      expect(email?.correlation).toEqual({ method: 'inReplyTo', emailId: second.id });
    },
  },
  {
    rule: 'In-Reply-To goes before the token, the token before the conversation, the conversation before smart matching.',
    settings: [
      'correlation.inReplyTo',
      'correlation.token.enabled',
      'correlation.conversationIndex',
      'correlation.smartMatching.enabled',
    ],
    shows: async (world) => {
      world.change({ correlation: { smartMatching: { enabled: true } } });
      const anna = await world.user('anna');
      const replied = await world.sent({ subject: 'A' });
      await world.sent({ subject: 'B', token });
      const index = startConversationIndex('eml_conversation');
      await world.sent({ subject: 'C', conversationIndex: index });
      await world.sent({ subject: 'Our offer' });
      const fields = {
        Subject: `Re: Our offer ${token}`,
        'In-Reply-To': String(replied.messageId),
        'Thread-Index': continueConversationIndex(index, 'answer', world.now),
      };
      const methods: unknown[] = [];
      for (const off of [{}, { inReplyTo: false }, { token: { enabled: false } }, { conversationIndex: false }]) {
        world.change({ correlation: off });
        methods.push((await world.receive(anna, { fields })).email?.correlation.method);
      }
      expect(methods).toEqual(['inReplyTo', 'token', 'conversationIndex', 'smartMatching']);
    },
  },
  {
    rule: 'A forwarded message counts as an answer, unless the organization does not want it.',
    settings: ['correlation.forwardsAreReplies'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent({ token });
      const fields = { Subject: `WG: Our offer ${token}`, 'In-Reply-To': String(sent.messageId) };
      expect((await world.receive(anna, { fields })).email?.correlation.emailId).toBe(sent.id);
      world.change({ correlation: { forwardsAreReplies: false } });
      expect((await world.receive(anna, { fields })).email?.correlation.method).toBe('none');
      const answered = { ...fields, Subject: `Re: WG: Our offer ${token}` };
      expect((await world.receive(anna, { fields: answered })).email?.correlation.emailId).toBe(sent.id);
    },
  },
  {
    rule: 'The token of an email anywhere in the subject makes the message an answer to it, whoever wrote it.',
    settings: ['correlation.token.enabled'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent({ token });
      const fields = { From: 'colleague@client.example', Subject: `AW: ${token} (dringend)` };
      const { email } = await world.receive(anna, { fields });
      expect(email).toMatchObject({ correlation: { method: 'token', emailId: sent.id }, token, inReplyTo: null });
      world.change({ correlation: { token: { enabled: false } } });
      expect((await world.receive(anna, { fields })).email?.correlation.method).toBe('none');
    },
  },
  {
    rule: 'A token of an earlier prefix still finds its email.',
    settings: ['correlation.token.prefix'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent({ token });
      world.change({ correlation: { token: { prefix: 'Ref#' } } });
      world.organization = { ...world.organization, formerTokenPrefixes: ['CRM:'] };
      const { email } = await world.receive(anna, { fields: { Subject: `Re: Our offer ${token}` } });
      expect(email?.correlation).toEqual({ method: 'token', emailId: sent.id });
    },
  },
  {
    rule: 'A token that several emails have, since counters start again, means the one that the sender took part in.',
    settings: ['correlation.token.counterDigits'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const carls = await world.sent({ token }, new Date(world.now.getTime() - 900 * hour));
      await world.sent({ token, to: [{ address: 'dora@other.example', records: [] }] });
      const { email } = await world.receive(anna, { fields: { Subject: `Re: Our offer ${token}` } });
      expect(email?.correlation.emailId).toBe(carls.id);
    },
  },
  {
    rule: 'A token that several emails have means, for whoever took part in none of them, the one with the same subject; without one nothing is matched.',
    settings: ['correlation.token.counterDigits'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const offer = await world.sent({ token, subject: `Our offer ${token}` });
      await world.sent({ token, subject: `Invoice ${token}` });
      const from = (Subject: string) => world.receive(anna, { fields: { From: 'new@client.example', Subject } });
      expect((await from(`Re: Our offer ${token}`)).email?.correlation.emailId).toBe(offer.id);
      expect((await from(`Re: Complaint ${token}`)).email?.correlation).toEqual({ method: 'none', emailId: null });
    },
  },
  {
    rule: 'A token never means an email that came after the message, nor one that was cancelled.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const old = await world.sent({ token }, new Date(world.now.getTime() - 900 * hour));
      await world.sent({ token });
      await world.sent({ token, status: 'canceled' }, new Date(world.now.getTime() - 800 * hour));
      const receivedAt = new Date(world.now.getTime() - 700 * hour);
      const { email } = await world.receive(anna, { receivedAt, fields: { Subject: `Re: Our offer ${token}` } });
      expect(email?.correlation.emailId).toBe(old.id);
    },
  },
  {
    rule: 'A Thread-Index of the conversation of a tracked email makes the message an answer to it.',
    settings: ['correlation.conversationIndex'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const conversationIndex = startConversationIndex('eml_one');
      const sent = await world.sent({ conversationIndex });
      const answer = (index: string) =>
        world.receive(anna, { fields: { 'Thread-Index': continueConversationIndex(index, 'x', world.now) } });
      expect((await answer(conversationIndex)).email).toMatchObject({
        correlation: { method: 'conversationIndex', emailId: sent.id },
        inReplyTo: sent.id,
        regarding: sent.regarding,
      });
      expect((await answer(startConversationIndex('eml_two'))).email?.correlation.method).toBe('none');
      world.change({ correlation: { conversationIndex: false } });
      expect((await answer(conversationIndex)).email?.correlation.method).toBe('none');
    },
  },
  {
    rule: 'A received message is found by its own Thread-Index when the conversation goes on.',
    settings: ['correlation.conversationIndex'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const index = startConversationIndex('eml_outlook');
      const first = await world.receive(anna, { fields: { 'Thread-Index': index } });
      const second = await world.receive(anna, {
        fields: { 'Thread-Index': continueConversationIndex(index, 'x', world.now) },
      });
      expect(second.email?.correlation).toEqual({ method: 'conversationIndex', emailId: first.email?.id });
    },
  },
  {
    rule: 'The received copy of internal mail is no answer to the sent email that it is a copy of.',
    settings: ['correlation.conversationIndex', 'correlation.smartMatching.enabled'],
    shows: async (world) => {
      world.change({ correlation: { smartMatching: { enabled: true } } });
      const ben = await world.user('ben');
      await world.user('anna');
      const conversationIndex = startConversationIndex('eml_internal');
      const to = [{ address: 'ben@contoso.example', records: [] }];
      const sent = await world.sent({ conversationIndex, to });
      const { email } = await world.receive(ben, {
        fields: {
          From: 'anna@contoso.example',
          To: 'ben@contoso.example',
          Subject: sent.subject,
          'Message-ID': String(sent.messageId),
          'Thread-Index': conversationIndex,
        },
      });
      expect(email?.correlation.method).toBe('none');
    },
  },
  {
    rule: 'Smart matching, off unless wanted, takes a message for an answer to the newest email with the same words in its subject and two addresses in common.',
    settings: ['correlation.smartMatching.enabled', 'correlation.smartMatching.minAddresses'],
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'responses' });
      const fields = { Subject: 'AW: [Extern]: our OFFER' };
      await world.sent();
      expect((await world.receive(anna, { fields })).code).toBe('filteredResponses');
      world.change({ correlation: { smartMatching: { enabled: true } } });
      await world.sent({}, new Date(world.now.getTime() - 5 * hour));
      const sent = await world.sent();
      await world.sent({ subject: 'Another offer' });
      const plain = { Subject: 'AW: Re : our OFFER' };
      expect((await world.receive(anna, { fields: plain })).email).toMatchObject({
        correlation: { method: 'smartMatching', emailId: sent.id },
        regarding: sent.regarding,
        inReplyTo: null,
      });
      const stranger = { ...plain, From: 'stranger@other.example' };
      expect((await world.receive(anna, { fields: stranger })).code).toBe('filteredResponses');
      world.change({ correlation: { smartMatching: { minAddresses: 3 } } });
      expect((await world.receive(anna, { fields: plain })).code).toBe('filteredResponses');
    },
  },
  {
    rule: 'Smart matching lets one of the two subjects have so many words more as the organization allows.',
    settings: ['correlation.smartMatching.deltaWords'],
    shows: async (world) => {
      world.change({ correlation: { smartMatching: { enabled: true } } });
      const anna = await world.user('anna', { filtering: 'responses' });
      const sent = await world.sent();
      const fields = { Subject: 'Out of office: Our offer' };
      expect((await world.receive(anna, { fields })).code).toBe('filteredResponses');
      world.change({ correlation: { smartMatching: { deltaWords: 3 } } });
      expect((await world.receive(anna, { fields })).email?.correlation.emailId).toBe(sent.id);
    },
  },
  {
    rule: 'Smart matching looks at so many words and addresses, the first ones.',
    settings: ['correlation.smartMatching.maxWords'],
    shows: async (world) => {
      world.change({ correlation: { smartMatching: { enabled: true, maxWords: 2 } } });
      const anna = await world.user('anna', { filtering: 'responses' });
      const sent = await world.sent({ subject: 'Our offer of Monday' });
      const { email } = await world.receive(anna, { fields: { Subject: 'Our offer of Friday' } });
      expect(email?.correlation.emailId).toBe(sent.id);
    },
  },
  {
    rule: 'Smart matching looks 90 days back.',
    settings: ['correlation.smartMatching.enabled'],
    shows: async (world) => {
      world.change({ correlation: { smartMatching: { enabled: true } } });
      const anna = await world.user('anna', { filtering: 'responses' });
      await world.sent({}, new Date(world.now.getTime() - 91 * 24 * hour));
      const fields = { Subject: 'Our offer' };
      expect((await world.receive(anna, { fields })).code).toBe('filteredResponses');
      const recent = await world.sent({}, new Date(world.now.getTime() - 89 * 24 * hour));
      expect((await world.receive(anna, { fields })).email?.correlation.emailId).toBe(recent.id);
    },
  },
  {
    rule: 'An email that was cut off from its mailboxes is answered by nothing any more.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent({ untrackedAt: world.now.toISOString() });
      const { email } = await world.receive(anna, { fields: { 'In-Reply-To': String(sent.messageId) } });
      expect(email?.correlation.method).toBe('none');
    },
  },
];
