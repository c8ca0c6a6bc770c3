import { expect } from 'vitest';
import type { DecisionWorld } from '../../../support/decision-world.ts';
import type { Rule } from './rule.ts';

const carl = 'carl@client.example';
const senderOf = async (world: DecisionWorld, owner: Parameters<DecisionWorld['receive']>[0]) =>
  (await world.receive(owner)).email?.from.records.map(({ type }) => type);

export const resolutionRules: readonly Rule[] = [
  {
    rule: 'A sender is one record: of several the first of user, contact, account, lead, equipment, team, business unit and other types.',
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.recordType('supplier');
      const types = ['supplier', 'businessUnit', 'team', 'equipment', 'lead', 'account', 'contact', 'user'];
      const found = [];
      for (const type of types) {
        await world.record(type, carl);
        found.push(await senderOf(world, anna));
      }
      expect(found).toEqual(types.map((type) => [type]));
    },
  },
  {
    rule: 'Among the CRM’s own types the one with the lower resolutionRank goes first.',
    shows: async (world) => {
      const anna = await world.user('anna');
      for (const [name, resolutionRank] of [
        ['partner', null],
        ['dealer', 2],
        ['member', 1],
      ] as const) {
        await world.recordType(name, { resolutionRank });
        await world.record(name, carl);
      }
      expect(await senderOf(world, anna)).toEqual(['member']);
    },
  },
  {
    rule: 'A record that the mailbox’s owner owns goes before all others.',
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.record('contact', carl);
      await world.record('lead', carl, { ownerId: anna.id });
      expect(await senderOf(world, anna)).toEqual(['lead']);
    },
  },
  {
    rule: 'In the mailbox of a queue a record that the queue’s owner owns goes before all others.',
    shows: async (world) => {
      const olga = await world.user('olga');
      const sales = await world.queue('sales', { ownerId: olga.id });
      await world.record('contact', carl);
      await world.record('lead', carl, { ownerId: olga.id });
      expect(await senderOf(world, sales)).toEqual(['lead']);
    },
  },
  {
    rule: 'A sender that more records claim than the cap stays unresolved.',
    settings: ['resolution.senderMatchCap'],
    shows: async (world) => {
      const anna = await world.user('anna');
      for (let count = 0; count < 100; count += 1) await world.record('contact', carl);
      expect(await senderOf(world, anna)).toEqual(['contact']);
      await world.record('contact', carl);
      expect(await senderOf(world, anna)).toEqual([]);
    },
  },
  {
    rule: 'A sender that several records claim stays unresolved where the organization wants it, and does not pass the methods that ask for a record.',
    settings: ['resolution.unresolvedIfAmbiguousSender'],
    shows: async (world) => {
      world.change({ resolution: { unresolvedIfAmbiguousSender: true } });
      const [anna, ben] = [await world.user('anna'), await world.user('ben', { filtering: 'knownSenders' })];
      await world.record('contact', carl);
      await world.record('lead', carl);
      expect(await senderOf(world, anna)).toEqual([]);
      expect((await world.receive(ben, { fields: { To: 'ben@contoso.example' } })).code).toBe('ambiguousSender');
    },
  },
  {
    rule: 'A lone match resolves whatever its state; among several, inactive ones only where the organization wants it.',
    settings: ['resolution.inactiveRecords'],
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.record('contact', carl, { status: 'inactive' });
      expect(await senderOf(world, anna)).toEqual(['contact']);
      await world.record('lead', carl);
      expect(await senderOf(world, anna)).toEqual(['lead']);
      world.change({ resolution: { inactiveRecords: true } });
      expect(await senderOf(world, anna)).toEqual(['contact']);
    },
  },
  {
    rule: 'A recipient is everyone who has the address, so that a user and a queue that share one both appear.',
    shows: async (world) => {
      const anna = await world.user('anna', { emailAddress: 'sales@contoso.example' });
      await world.queue('sales');
      const { email } = await world.receive(anna, { fields: { To: 'sales@contoso.example' } });
      expect(email?.to[0]?.records.map(({ type }) => type)).toEqual(['user', 'queue']);
    },
  },
  {
    rule: 'A recipient that several records claim stays unresolved where the organization wants it; its mailbox still is proof of it.',
    settings: ['resolution.unresolvedIfAmbiguousRecipient'],
    shows: async (world) => {
      world.change({ resolution: { unresolvedIfAmbiguousRecipient: true } });
      const anna = await world.user('anna', { emailAddress: 'sales@contoso.example' });
      await world.queue('sales');
      const { email } = await world.receive(anna, { fields: { To: 'sales@contoso.example' } });
      expect(email).toMatchObject({ to: [{ records: [] }], acceptedBy: { id: anna.id } });
    },
  },
  {
    rule: 'Addresses are compared without regard to case, and international domains in either form.',
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.record('contact', 'jürgen@bücher.example');
      const found = [];
      for (const From of ['JÜRGEN@BÜCHER.example', 'jürgen@xn--bcher-kva.example', 'ju\u0308rgen@bücher.example'])
        found.push((await world.receive(anna, { fields: { From } })).email?.from.records.length);
      expect(found).toEqual([1, 1, 1]);
    },
  },
  {
    rule: 'An unknown sender of tracked mail becomes a contact or a lead, as the organization says, once.',
    settings: ['autoCreate.enabled', 'autoCreate.recordType'],
    shows: async (world) => {
      const anna = await world.user('anna');
      await world.receive(anna);
      await world.receive(anna);
      expect(await world.createdRecords()).toEqual(['contact']);
      world.change({ autoCreate: { recordType: 'lead' } });
      expect(await senderOf(world, anna)).toEqual(['contact']);
      const { email } = await world.receive(anna, { fields: { From: 'Nora <nora@new.example>' } });
      expect(email?.from).toMatchObject({ name: 'Nora', records: [{ type: 'lead' }] });
    },
  },
  {
    rule: 'An unknown sender becomes no record where organization or user do not want it, nor when a program wrote, nor from the Sent folder.',
    settings: ['autoCreate.enabled'],
    shows: async (world) => {
      const [anna, ben] = [await world.user('anna'), await world.user('ben', { autoCreate: false })];
      const toBen = { To: 'ben@contoso.example' };
      await world.receive(ben, { fields: { From: 'one@new.example', ...toBen } });
      await world.receive(anna, { fields: { From: 'two@new.example', 'Auto-Submitted': 'auto-replied' } });
      await world.receive(anna, { fields: { From: 'MAILER-DAEMON@new.example' } });
      await world.receive(anna, { direction: 'outgoing', fields: { From: 'three@new.example' } });
      world.change({ autoCreate: { enabled: false } });
      await world.receive(anna, { fields: { From: 'four@new.example' } });
      expect(await world.emails()).toHaveLength(5);
      expect(await world.createdRecords()).toEqual([]);
    },
  },
  {
    rule: 'The email belongs to whom the first of To, Cc and Bcc leads that names anyone who may own email.',
    shows: async (world) => {
      const zoe = await world.user('zoe', { canOwnEmail: false });
      const [anna, ben] = [await world.user('anna'), await world.user('ben')];
      const owner = async (To: string, Cc = '') =>
        (await world.receive(zoe, { fields: { To, Cc, Bcc: 'ben@contoso.example' } })).email?.ownerId;
      expect(await owner('zoe@contoso.example, anna@contoso.example', 'ben@contoso.example')).toBe(anna.id);
      expect(await owner('zoe@contoso.example', 'anna@contoso.example')).toBe(anna.id);
      expect(await owner('zoe@contoso.example')).toBe(ben.id);
    },
  },
  {
    rule: 'Within that list the owner of the answered email goes first, then the owner of the sender’s record, then the order of the list.',
    shows: async (world) => {
      const owners = [await world.user('anna'), await world.user('ben'), await world.user('eve')];
      const [anna, ben, eve] = owners;
      await world.record('contact', carl, { ownerId: ben?.id ?? null });
      const sent = await world.sent({ ownerId: eve?.id ?? null });
      const To = 'anna@contoso.example, ben@contoso.example, eve@contoso.example';
      const owner = async (fields: object) => (await world.receive(anna, { fields: { To, ...fields } })).email?.ownerId;
      expect(await owner({ 'In-Reply-To': sent.messageId })).toBe(eve?.id);
      expect(await owner({})).toBe(ben?.id);
      expect(await owner({ From: 'stranger@client.example' })).toBe(anna?.id);
    },
  },
  {
    rule: 'Email of a queue belongs to the queue’s owner; without an owner it belongs to nobody.',
    shows: async (world) => {
      const olga = await world.user('olga');
      const sales = await world.queue('sales', { ownerId: olga.id });
      const service = await world.queue('service');
      expect((await world.receive(sales, { fields: { To: 'sales@contoso.example' } })).email?.ownerId).toBe(olga.id);
      expect((await world.receive(service, { fields: { To: 'service@contoso.example' } })).email?.ownerId).toBeNull();
    },
  },
  {
    rule: 'A message to users who may not own email is not tracked.',
    shows: async (world) => {
      const anna = await world.user('anna', { canOwnEmail: false });
      expect((await world.receive(anna)).code).toBe('ownerCannotOwn');
    },
  },
];
