import { expect } from 'vitest';
import { testMessageHeader } from '../../../../shared/email/mime/test-message-header.ts';
import type { Rule } from './rule.ts';

const day = 86_400_000;

export const filteringRules: readonly Rule[] = [
  {
    rule: 'The method all tracks every message.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'all' });
      expect(await world.receive(anna)).toMatchObject({ outcome: 'tracked', email: { direction: 'incoming' } });
    },
  },
  {
    rule: 'The method responses tracks answers to tracked email and nothing else.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'responses' });
      await world.record('contact', 'carl@client.example');
      const { messageId } = await world.sent();
      expect((await world.receive(anna)).code).toBe('filteredResponses');
      const answer = await world.receive(anna, { fields: { 'In-Reply-To': String(messageId) } });
      expect(answer.outcome).toBe('tracked');
    },
  },
  {
    rule: 'The method knownSenders tracks mail from contacts, accounts and leads, not from other records.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'knownSenders' });
      for (const type of ['contact', 'account', 'lead', 'equipment'])
        await world.record(type, `${type}@client.example`);
      const outcomes = [];
      for (const type of ['contact', 'account', 'lead', 'equipment', 'nobody'])
        outcomes.push((await world.receive(anna, { fields: { From: `${type}@client.example` } })).code);
      expect(outcomes).toEqual([null, null, null, 'filteredKnownSenders', 'filteredKnownSenders']);
    },
  },
  {
    rule: 'The method emailEnabledRecords tracks mail from every record whose type takes part in email.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'emailEnabledRecords' });
      await world.recordType('supplier');
      await world.recordType('project', { emailEnabled: false });
      for (const type of ['equipment', 'supplier', 'project']) await world.record(type, `${type}@client.example`);
      const outcomes = [];
      for (const type of ['equipment', 'supplier', 'project', 'nobody'])
        outcomes.push((await world.receive(anna, { fields: { From: `${type}@client.example` } })).code);
      expect(outcomes).toEqual([null, null, 'filteredEmailEnabled', 'filteredEmailEnabled']);
    },
  },
  {
    rule: 'The method none tracks nothing, not even answers.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'none' });
      const { messageId } = await world.sent();
      const answer = await world.receive(anna, { fields: { 'In-Reply-To': String(messageId) } });
      expect(answer.code).toBe('filteredNone');
    },
  },
  {
    rule: 'A user who chose no method has the one of the organization, which is responses unless it says otherwise.',
    settings: ['tracking.defaultFiltering'],
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: null });
      expect((await world.receive(anna)).code).toBe('filteredResponses');
      world.change({ tracking: { defaultFiltering: 'all' } });
      expect((await world.receive(anna)).outcome).toBe('tracked');
    },
  },
  {
    rule: 'A method that the organization forces replaces that of every user, and no queue’s.',
    settings: ['tracking.forceFiltering'],
    shows: async (world) => {
      world.change({ tracking: { forceFiltering: 'none' } });
      const anna = await world.user('anna', { filtering: 'all' });
      const sales = await world.queue('sales');
      expect((await world.receive(anna)).code).toBe('filteredNone');
      expect((await world.receive(sales, { fields: { To: 'sales@contoso.example' } })).outcome).toBe('tracked');
    },
  },
  {
    rule: 'Answers pass the two methods that look at the sender where the organization wants it, and never the method none.',
    settings: ['tracking.responsesAlways'],
    shows: async (world) => {
      const { messageId } = await world.sent();
      const answer = { fields: { 'In-Reply-To': String(messageId), To: '' } };
      const anna = await world.user('anna', { filtering: 'knownSenders' });
      const ben = await world.user('ben', { filtering: 'none' });
      expect((await world.receive(anna, answer)).code).toBe('filteredKnownSenders');
      world.change({ tracking: { responsesAlways: true } });
      expect((await world.receive(anna, answer)).outcome).toBe('tracked');
      expect((await world.receive(ben, answer)).code).toBe('filteredNone');
    },
  },
  {
    rule: 'A message is tracked when the method of any recipient accepts it, whosever mailbox is read; the email names who accepted and whose mailbox it was.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'all' });
      const ben = await world.user('ben', { filtering: 'none' });
      const { email } = await world.receive(ben, { fields: { To: 'ben@contoso.example', Cc: 'anna@contoso.example' } });
      expect(email).toMatchObject({ acceptedBy: { id: anna.id }, receivedByMailboxIds: [ben.mailboxId] });
    },
  },
  {
    rule: 'Where the organization restricts it, only the owner of the mailbox that is read decides.',
    settings: ['tracking.onlySynchronizingMailboxDecides'],
    shows: async (world) => {
      world.change({ tracking: { onlySynchronizingMailboxDecides: true } });
      const anna = await world.user('anna', { filtering: 'all' });
      const ben = await world.user('ben', { filtering: 'none' });
      const given = {
        fields: { To: 'ben@contoso.example, anna@contoso.example', 'Message-ID': '<one@client.example>' },
      };
      expect((await world.receive(ben, given)).code).toBe('filteredNone');
      expect((await world.receive(anna, given)).outcome).toBe('tracked');
    },
  },
  {
    rule: 'A queue decides by a method of its own.',
    shows: async (world) => {
      const sales = await world.queue('sales', { filtering: 'responses' });
      expect((await world.receive(sales, { fields: { To: 'sales@contoso.example' } })).code).toBe('filteredResponses');
    },
  },
  {
    rule: 'Bcc, lists and aliases: the mailbox that received a message is itself proof of a recipient.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const { email, step } = await world.receive(anna, { fields: { To: 'everyone@lists.example' } });
      expect(email?.acceptedBy).toMatchObject({ id: anna.id });
      expect(step('recipients')).toContain('it arrived in the mailbox of anna');
    },
  },
  {
    rule: 'An address that a server says it delivered to (Delivered-To, X-Original-To, Envelope-To) counts as a recipient.',
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'none' });
      const sales = await world.queue('sales');
      for (const header of ['Delivered-To', 'X-Original-To', 'Envelope-To']) {
        const { email } = await world.receive(anna, { fields: { To: '', [header]: 'sales@contoso.example' } });
        expect(email?.acceptedBy).toMatchObject({ id: sales.id });
      }
    },
  },
  {
    rule: 'What stands behind a plus in an address of the organization’s own people leads to the same user or queue.',
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.record('contact', 'carl@client.example');
      const fields = { To: 'Anna+Offers@contoso.example, carl+private@client.example' };
      const { email, step } = await world.receive(anna, { fields });
      expect(email?.to.map(({ records }) => records.map(({ id }) => id))).toEqual([[anna.id], []]);
      expect(step('owner')).toContain('the first of To');
    },
  },
  {
    rule: 'Mail to a further address of a user is mail to the user.',
    shows: async (world) => {
      const anna = await world.user('anna', { otherAddresses: ['a.smith@old.example'] });
      const ben = await world.user('ben', { filtering: 'none' });
      const { email } = await world.receive(ben, { fields: { To: 'A.Smith@OLD.example' } });
      expect(email).toMatchObject({ acceptedBy: { id: anna.id }, to: [{ records: [{ type: 'user', id: anna.id }] }] });
    },
  },
  {
    rule: 'An inactive user accepts nothing.',
    shows: async (world) => {
      const anna = await world.user('anna', { status: 'inactive' });
      expect((await world.receive(anna)).code).toBe('noRecipientMatch');
    },
  },
  {
    rule: 'A message that reached no user and no queue is not tracked.',
    shows: async (world) => {
      const { code } = await world.receive(undefined, { fields: { To: 'carla@client.example' } });
      expect(code).toBe('noRecipientMatch');
    },
  },
  {
    rule: 'Mail that the server received before the start of tracking is not pulled, whatever its Date says.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const start = new Date(world.now.getTime() - day);
      const early = { receivedAt: new Date(start.getTime() - 1_000), isArrival: false };
      const late = { receivedAt: start, fields: { Date: 'Mon, 1 Jan 1990 00:00:00 +0000' }, isArrival: false };
      expect((await world.receive(anna, early, start)).code).toBe('beforeProcessFrom');
      expect((await world.receive(anna, late, start)).outcome).toBe('tracked');
    },
  },
  {
    rule: 'A message that is larger than the organization allows is skipped.',
    settings: ['tracking.maxMessageBytes'],
    shows: async (world) => {
      world.change({ tracking: { maxMessageBytes: 65_536 } });
      const anna = await world.user('anna');
      const { code } = await world.receive(anna, { body: `\r\n${'a'.repeat(66_000)}\r\n` });
      expect(code).toBe('tooLarge');
    },
  },
  {
    rule: 'Rights-protected mail is tracked unless the organization restricts it.',
    settings: ['tracking.restrictProtected'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const given = { fields: { 'Content-Class': 'rpmsg.message' } };
      expect((await world.receive(anna, given)).outcome).toBe('tracked');
      world.change({ tracking: { restrictProtected: true } });
      expect((await world.receive(anna, given)).code).toBe('restricted');
    },
  },
  {
    rule: 'Mail of the Sent folder becomes a sent email; the methods that look at records ask for the recipients’.',
    settings: ['tracking.sentItems'],
    shows: async (world) => {
      const anna = await world.user('anna', { filtering: 'knownSenders' });
      await world.record('contact', 'carl@client.example');
      const send = (To: string) =>
        world.receive(anna, { direction: 'outgoing', fields: { From: 'anna@contoso.example', To } });
      expect((await send('carl@client.example')).email).toMatchObject({ direction: 'outgoing', status: 'sent' });
      expect((await send('stranger@client.example')).code).toBe('filteredKnownSenders');
    },
  },
  {
    rule: 'The copy in the Sent folder of what the hub sent is that email, never a second one.',
    settings: ['outgoing.saveToSentItems', 'tracking.sentItems'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const sent = await world.sent();
      const fields = { From: 'anna@contoso.example', To: 'carl@client.example', 'Message-ID': String(sent.messageId) };
      const { outcome, email } = await world.receive(anna, { direction: 'outgoing', fields });
      expect([outcome, email?.id]).toEqual(['duplicate', sent.id]);
    },
  },
  {
    rule: 'The hub’s own test message is tracked for nobody.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const fields = { From: 'anna@contoso.example', [testMessageHeader]: 'yes' };
      expect((await world.receive(anna, { fields })).code).toBe('internalCopy');
    },
  },
  {
    rule: 'The decision names every step in its order, with what it looked at.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const { decision } = await world.receive(anna);
      expect(decision.steps.map(({ step }) => step)).toEqual([
        'size',
        'processFrom',
        'restricted',
        'manual',
        'internal',
        'dedupe',
        'recipients',
        'filtering',
        'correlation',
        'sender',
        'owner',
      ]);
      expect(decision.steps.every(({ detail }) => detail !== '')).toBe(true);
    },
  },
];
