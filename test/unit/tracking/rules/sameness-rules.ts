import { expect } from 'vitest';
import type { DecisionWorld } from '../../../support/decision-world.ts';
import type { Rule } from './rule.ts';

/** Anna sends to Ben and to a queue through the hub; `read` tells what their mailboxes make of their copies. */
const internalMail = async (world: DecisionWorld, fromQueue = false) => {
  const anna = fromQueue ? await world.queue('anna') : await world.user('anna');
  const ben = await world.user('ben');
  const sales = await world.queue('sales');
  const sent = await world.sent({ from: { address: 'anna@contoso.example', records: [] } });
  const fields = {
    From: 'anna@contoso.example',
    To: 'ben@contoso.example, sales@contoso.example',
    'Message-ID': String(sent.messageId),
  };
  const read = async (owner: typeof ben | typeof sales | typeof anna) => (await world.receive(owner, { fields })).code;
  return { anna, ben, sales, read };
};

export const samenessRules: readonly Rule[] = [
  {
    rule: 'A message is one email however many mailboxes receive it; each has a decision of its own.',
    shows: async (world) => {
      const owners = [await world.user('anna'), await world.user('ben'), await world.queue('sales')];
      const fields = { To: 'all@contoso.example', 'Message-ID': '<one@client.example>' };
      const outcomes = [];
      for (const owner of owners) outcomes.push((await world.receive(owner, { fields })).outcome);
      expect(outcomes).toEqual(['tracked', 'duplicate', 'duplicate']);
      expect(await world.emails()).toMatchObject([{ receivedByMailboxIds: owners.map(({ mailboxId }) => mailboxId) }]);
    },
  },
  {
    rule: 'A copied Message-ID suppresses nobody’s mail: From and Date belong to what makes a message the same.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const fields = { 'Message-ID': '<one@client.example>' };
      await world.receive(anna, { fields: { ...fields, From: 'evil@attacker.example' } });
      expect((await world.receive(anna, { fields })).outcome).toBe('tracked');
    },
  },
  {
    rule: 'A message without a Message-ID is recognised by its content.',
    shows: async (world) => {
      const [anna, ben] = [await world.user('anna'), await world.user('ben')];
      const fields = { 'Message-ID': '', To: 'all@contoso.example', Subject: 'Same', Received: 'from here' };
      const first = await world.receive(anna, { fields });
      const second = await world.receive(ben, { fields: { ...fields, Received: 'from elsewhere' } });
      expect([second.outcome, second.email?.id]).toEqual(['duplicate', first.email?.id]);
    },
  },
  {
    rule: 'Mail between users gives a sent and a received email; the sender’s own copy gives none.',
    settings: ['internalMail.twoActivities'],
    shows: async (world) => {
      const { anna, ben, read } = await internalMail(world);
      expect([await read(ben), await read(anna)]).toEqual([null, 'internalCopy']);
    },
  },
  {
    rule: 'Where internal mail gives one email in all, the received copy of what the hub sent is skipped, except in queues.',
    settings: ['internalMail.twoActivities', 'internalMail.toQueues'],
    shows: async (world) => {
      world.change({ internalMail: { twoActivities: false } });
      const { ben, sales, read } = await internalMail(world);
      expect([await read(ben), await read(sales)]).toEqual(['internalCopy', null]);
    },
  },
  {
    rule: 'Where internal mail gives one email in all, queues may be held to it, too.',
    settings: ['internalMail.twoActivities', 'internalMail.toQueues'],
    shows: async (world) => {
      world.change({ internalMail: { twoActivities: false, toQueues: false } });
      const { sales, read } = await internalMail(world);
      expect(await read(sales)).toBe('internalCopy');
    },
  },
  {
    rule: 'Where internal mail gives one email in all, mail from a queue to a user is still tracked for the user.',
    settings: ['internalMail.twoActivities', 'internalMail.fromQueues'],
    shows: async (world) => {
      world.change({ internalMail: { twoActivities: false } });
      const { ben, read } = await internalMail(world, true);
      expect(await read(ben)).toBeNull();
    },
  },
  {
    rule: 'Where internal mail gives one email in all, mail from a queue to a user may be skipped like that of users.',
    settings: ['internalMail.twoActivities', 'internalMail.fromQueues'],
    shows: async (world) => {
      world.change({ internalMail: { twoActivities: false, fromQueues: false } });
      const { ben, read } = await internalMail(world, true);
      expect(await read(ben)).toBe('internalCopy');
    },
  },
  {
    rule: 'Mail of a colleague that the hub did not send is tracked, since there is no sent email of it.',
    settings: ['internalMail.twoActivities'],
    shows: async (world) => {
      world.change({ internalMail: { twoActivities: false } });
      const ben = await world.user('ben');
      await world.user('anna');
      expect((await world.receive(ben, { fields: { From: 'anna@contoso.example' } })).outcome).toBe('tracked');
    },
  },
  {
    rule: 'Each queue that accepted a message has it as an item, unless the organization does not want it.',
    settings: ['queueItems.forAcceptingQueues'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const [sales, service] = [await world.queue('sales'), await world.queue('service')];
      const fields = { To: 'anna@contoso.example, sales@contoso.example, service@contoso.example' };
      expect((await world.receive(anna, { fields })).email?.queueIds).toEqual([sales.id, service.id]);
      world.change({ queueItems: { forAcceptingQueues: false } });
      expect((await world.receive(anna, { fields })).email?.queueIds).toEqual([]);
    },
  },
  {
    rule: 'A queue whose mailbox received a message by Bcc or a list has it as an item, unless the organization does not want it.',
    settings: ['queueItems.forSynchronizingMailbox'],
    shows: async (world) => {
      const sales = await world.queue('sales');
      const fields = { To: 'all@contoso.example' };
      expect((await world.receive(sales, { fields })).email?.queueIds).toEqual([sales.id]);
      world.change({ queueItems: { forSynchronizingMailbox: false } });
      expect((await world.receive(sales, { fields })).email?.queueIds).toEqual([]);
    },
  },
  {
    rule: 'A queue whose mailbox sees a message that is tracked already has it as a further item only where the organization wants it.',
    settings: ['queueItems.forAlreadyTracked'],
    shows: async (world) => {
      const [anna, sales] = [await world.user('anna'), await world.queue('sales')];
      for (const wanted of [false, true]) {
        world.change({ queueItems: { forAlreadyTracked: wanted } });
        const fields = { To: 'all@contoso.example', 'Message-ID': `<${wanted}@client.example>` };
        await world.receive(anna, { fields });
        expect((await world.receive(sales, { fields })).email?.queueIds).toEqual(wanted ? [sales.id] : []);
      }
    },
  },
];
