import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { alertKind } from '../../../shared/alert/alert.ts';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import {
  appendMessage,
  deliverMessage,
  listMessages,
  waitForMessage,
  withMailbox,
} from '../../support/mailbox-client.ts';
import { storeSentEmail } from '../../support/sent-email.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

describe('reading a mailbox', () => {
  it('tracks what arrives after it was enabled, and leaves older mail and the mailbox as they are', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Old' }), {
      receivedAt: new Date(Date.now() - 86_400_000),
    });
    const { id, mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'New' }, 'What does a chair cost?'));

    const cycle = await organization.synchronize(mailboxId);

    expect(await organization.emails()).toMatchObject([
      {
        subject: 'New',
        direction: 'incoming',
        status: 'received',
        from: { address: 'carl@client.example', name: 'Carl Client' },
        ownerId: id,
        acceptedBy: { type: 'user', id },
        receivedByMailboxIds: [mailboxId],
      },
    ]);
    expect(cycle.lastCounts).toEqual({ seen: 1, tracked: 1, skipped: 0, failed: 0 });
    const kept = await listMessages(world.servers.environment, mailUser);
    expect(kept.map(({ subject, flags }) => [subject, flags.includes('\\Seen')])).toEqual([
      ['Old', false],
      ['New', false],
    ]);
  });

  it('asks nothing but STATUS when nothing came', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);

    const cycle = await organization.synchronize(mailboxId);

    expect(cycle.lastCounts).toEqual({ seen: 0, tracked: 0, skipped: 0, failed: 0 });
    expect(cycle.consecutiveFailures).toBe(0);
  });

  it('pulls older mail from processEmailFrom on, and more when the start is moved back, doubling nothing', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const days = (count: number) => new Date(Date.now() - count * 86_400_000);
    for (const age of [30, 20, 10])
      await appendMessage(world.servers.environment, mailUser, compose({ Subject: `${age} days` }), {
        receivedAt: days(age),
      });
    const { mailboxId } = await organization.user(mailUser, {}, { processEmailFrom: days(15).toISOString() });

    await organization.synchronize(mailboxId);
    const first = (await organization.emails()).map(({ subject }) => subject);
    await world.api.services.store.update(
      mailboxKind,
      organization.id,
      mailboxId,
      (mailbox) => ({ next: { ...mailbox, processEmailFrom: days(25).toISOString() } }),
      world.api.services,
    );
    await organization.synchronize(mailboxId);

    expect(first).toEqual(['10 days']);
    expect((await organization.emails()).map(({ subject }) => subject)).toEqual(['20 days', '10 days']);
  });

  it('goes on where the deadline stopped it, until nothing is left', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    const before = (await organization.cycle(mailboxId)).generation;
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      for (let index = 0; index < 350; index += 1) await client.append('INBOX', compose());
    });

    // What a run leaves for its end is 12 s: the first one ends after its first window, or before it on a slow machine.
    const cycle = await organization.synchronize(mailboxId, 12_150);

    expect(await organization.emails()).toHaveLength(350);
    expect(cycle.generation - before).toBeGreaterThan(1);
    expect(cycle.cursors['INBOX']?.lastUid).toBe(350);
  }, 120_000);

  it('recognises mail again when the server gives the folder a new identity', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering: 'knownSenders' });
    await organization.call('PUT', '/records/contact/ext:known', {
      displayName: 'Known',
      emails: [{ address: 'known@client.example', primary: true }],
    });
    await appendMessage(world.servers.environment, mailUser, compose({ From: 'known@client.example' }));
    await appendMessage(world.servers.environment, mailUser, compose({ From: 'stranger@client.example' }));
    await organization.synchronize(mailboxId);
    const before = await organization.decisions(mailboxId);
    // From now on the stranger's mail would be tracked: what was skipped must not come back by the new identity.
    await organization.settings({ tracking: { forceFiltering: 'all' } });
    await world.servers.dovecot.doveadm('mailbox', 'update', '-u', mailUser.username, '--uid-validity', '77', 'INBOX');
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'After' }));

    await organization.synchronize(mailboxId);

    expect(before.map(({ outcome }) => outcome).sort()).toEqual(['skipped', 'tracked']);
    expect((await organization.emails()).map(({ from }) => from.address).sort()).toEqual([
      'carl@client.example',
      'known@client.example',
    ]);
    const alerts = await world.api.services.store.list(alertKind, organization.id, { limit: 10 });
    expect(alerts.items).toMatchObject([{ code: 'uidValidityChanged', count: 1, mailboxId }]);
  });
});

describe('deciding', () => {
  const decisionAbout = async (
    organization: IncomingOrganization,
    filtering: string,
    fields: Readonly<Record<string, string>>,
  ) => {
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering });
    await appendMessage(world.servers.environment, mailUser, compose({ To: mailUser.address, ...fields }));
    await organization.synchronize(mailboxId);
    const [decision] = await organization.decisions(mailboxId);
    return decision;
  };

  it('follows each of the five filtering methods', async () => {
    const organization = await world.createOrganization();
    await organization.call('PUT', '/record-types/supplier', { displayName: 'Supplier', emailEnabled: true });
    await organization.call('PUT', '/records/contact/ext:c', {
      displayName: 'Carl',
      emails: [{ address: 'carl@client.example' }],
    });
    await organization.call('PUT', '/records/supplier/ext:s', {
      displayName: 'Sue',
      emails: [{ address: 'sue@supplier.example' }],
    });
    const outcomes = [];
    for (const [filtering, from] of [
      ['all', 'stranger@x.example'],
      ['responses', 'carl@client.example'],
      ['knownSenders', 'carl@client.example'],
      ['knownSenders', 'sue@supplier.example'],
      ['emailEnabledRecords', 'sue@supplier.example'],
      ['emailEnabledRecords', 'stranger2@x.example'],
      ['none', 'carl@client.example'],
    ] as const) {
      const decision = await decisionAbout(organization, filtering, { From: from });
      outcomes.push([filtering, from, decision?.['outcome'], decision?.['code']]);
    }

    expect(outcomes).toEqual([
      ['all', 'stranger@x.example', 'tracked', null],
      ['responses', 'carl@client.example', 'skipped', 'filteredResponses'],
      ['knownSenders', 'carl@client.example', 'tracked', null],
      ['knownSenders', 'sue@supplier.example', 'skipped', 'filteredKnownSenders'],
      ['emailEnabledRecords', 'sue@supplier.example', 'tracked', null],
      ['emailEnabledRecords', 'stranger2@x.example', 'skipped', 'filteredEmailEnabled'],
      ['none', 'carl@client.example', 'skipped', 'filteredNone'],
    ]);
  });

  it('tells every step in order', async () => {
    const organization = await world.createOrganization();

    const decision = await decisionAbout(organization, 'all', {});

    const steps = z.array(z.object({ step: z.string() })).parse(decision?.['steps']);
    expect(steps.map(({ step }) => step)).toEqual([
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
  });
});

describe('an answer', () => {
  const regarding = { type: 'opportunity', id: 'rec_0000000000000001', externalId: 'o-3' };
  const storeSent = async (organization: IncomingOrganization, fields: { messageId: string; token?: string }) => {
    const stored = { ...fields, regarding, conversationId: 'conversation-1' };
    return (await storeSentEmail(world.api.services, organization.id, stored)).id;
  };

  const answered = async (organization: IncomingOrganization, fields: Readonly<Record<string, string>>) => {
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering: 'responses' });
    await appendMessage(world.servers.environment, mailUser, compose({ To: mailUser.address, ...fields }));
    await organization.synchronize(mailboxId);
    return (await organization.emails()).find(({ direction }) => direction === 'incoming');
  };

  it('is found by In-Reply-To and takes over what the email regards', async () => {
    const organization = await world.createOrganization();
    const emailId = await storeSent(organization, { messageId: '<offer@contoso.example>' });

    const email = await answered(organization, { 'In-Reply-To': '<offer@contoso.example>', Subject: 'Re: Our offer' });

    expect(email).toMatchObject({
      correlation: { method: 'inReplyTo', emailId },
      inReplyTo: emailId,
      regarding: { type: 'opportunity', externalId: 'o-3' },
      conversationId: 'conversation-1',
    });
  });

  it('is found by the token where a program leaves In-Reply-To out', async () => {
    const organization = await world.createOrganization();
    const emailId = await storeSent(organization, { messageId: '<other@contoso.example>', token: 'CRM:0001001' });

    const email = await answered(organization, { Subject: 'AW: Our offer CRM:0001001' });

    expect(email).toMatchObject({ correlation: { method: 'token', emailId }, token: 'CRM:0001001' });
  });

  it('to an answer that came in the same window is correlated, too', async () => {
    const organization = await world.createOrganization();
    const emailId = await storeSent(organization, { messageId: '<thread@contoso.example>' });
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering: 'responses' });
    const first = { 'Message-ID': '<first@client.example>', 'In-Reply-To': '<thread@contoso.example>' };
    const second = { 'Message-ID': '<second@client.example>', 'In-Reply-To': '<first@client.example>' };
    for (const fields of [first, second]) await appendMessage(world.servers.environment, mailUser, compose(fields));

    await organization.synchronize(mailboxId);

    const incoming = (await organization.emails()).filter(({ direction }) => direction === 'incoming');
    const [one, other] = ['<first@client.example>', '<second@client.example>'].map((messageId) =>
      incoming.find((email) => email.messageId === messageId),
    );
    expect(one?.correlation).toEqual({ method: 'inReplyTo', emailId });
    expect(other?.correlation).toEqual({ method: 'inReplyTo', emailId: one?.id });
    expect(incoming.map(({ regarding }) => regarding?.externalId)).toEqual(['o-3', 'o-3']);
  });
});

describe('one message in several mailboxes', () => {
  it('is one email with a decision for each mailbox, whether they have it by To, Cc, Bcc or a list', async () => {
    const organization = await world.createOrganization();
    const mailUsers = [world.nextMailUser(), world.nextMailUser(), world.nextMailUser()];
    const mailboxes = [];
    for (const mailUser of mailUsers) mailboxes.push((await organization.user(mailUser)).mailboxId);
    const messageId = `<shared.${process.pid}@client.example>`;
    await deliverMessage(world.servers.environment, {
      from: 'carl@client.example',
      to: mailUsers[0]?.address,
      cc: mailUsers[1]?.address,
      bcc: mailUsers[2]?.address,
      subject: 'To all of you',
      text: 'Hello',
      messageId,
    });
    for (const mailUser of mailUsers) await waitForMessage(world.servers.environment, mailUser, messageId);

    await Promise.all(mailboxes.map((mailboxId) => organization.synchronize(mailboxId)));

    const emails = await organization.emails();
    expect(emails).toHaveLength(1);
    expect([...(emails[0]?.receivedByMailboxIds ?? [])].sort()).toEqual([...mailboxes].sort());
    const outcomes = [];
    for (const mailboxId of mailboxes) outcomes.push((await organization.decisions(mailboxId))[0]?.['outcome']);
    expect(outcomes.sort()).toEqual(['duplicate', 'duplicate', 'tracked']);
  });
});
