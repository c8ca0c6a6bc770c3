import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendMessage, withMailbox } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

const start = async () => {
  users += 1;
  const mailUser = world.mailUser(users);
  const organization = await world.createOrganization();
  const user = await organization.user(mailUser);
  await organization.synchronize(user.mailboxId);
  const receivedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
  /** Messages that nothing tells apart but their text. */
  const append = (text: string) => {
    const message = compose({ 'Message-ID': '', Subject: 'Alarm' }, text);
    return appendMessage(world.servers.environment, mailUser, message, { receivedAt });
  };
  return { organization, mailUser, append, ...user };
};

type MailUser = Awaited<ReturnType<typeof start>>['mailUser'];

const changeKeyword = (mailUser: MailUser, uid: number, change: 'messageFlagsAdd' | 'messageFlagsRemove') =>
  withMailbox(world.servers.environment, mailUser, async (client) => {
    await client.mailboxOpen('INBOX');
    await client[change](String(uid), ['Tracked_to_CRM'], { uid: true });
  });

const decisionsOf = async (organization: IncomingOrganization, mailboxId: string) =>
  (await organization.decisions(mailboxId)).map(({ id, emailId, outcome }) => ({ id, emailId, outcome }));

const sorted = (ids: readonly unknown[]) => ids.map(String).sort();

describe('messages without Message-ID that nothing tells apart but their text', () => {
  const trackTwins = async () => {
    const twins = await start();
    const first = await twins.append('Pump 1 stands');
    const second = await twins.append('Pump 2 stands');
    await twins.organization.synchronize(twins.mailboxId);
    const emailIds = sorted((await twins.organization.emails()).map(({ id }) => id));
    return { ...twins, first, second, emailIds, decisions: await decisionsOf(twins.organization, twins.mailboxId) };
  };

  it('become an email and a decision each', async () => {
    const { emailIds, decisions } = await trackTwins();

    expect(emailIds).toHaveLength(2);
    expect(sorted(decisions.map(({ emailId }) => emailId))).toEqual(emailIds);
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['tracked', 'tracked']);
  });

  it('have no further decision when they come again, or are moved into a folder whose mail is tracked', async () => {
    const { organization, mailUser, mailboxId, append, second, decisions } = await trackTwins();
    await append('Pump 1 stands');
    await append('Pump 2 stands');
    await organization.synchronize(mailboxId);
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxCreate('Alarms');
      await client.mailboxOpen('INBOX');
      await client.messageMove(String(second), 'Alarms', { uid: true });
    });
    await organization.call('POST', `/mailboxes/${mailboxId}/folder-rules`, { folderId: 'Alarms' });

    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toHaveLength(2);
    const byId = (list: typeof decisions) => list.map(({ id, emailId }) => `${id} ${emailId}`).sort();
    expect(byId(await decisionsOf(organization, mailboxId))).toEqual(byId(decisions));
  });

  it('keep their decisions when they were untracked and are tracked again', async () => {
    const { organization, mailUser, mailboxId, first, second, decisions } = await trackTwins();
    await organization.settings({ tracking: { category: { enabled: true } } });
    await organization.synchronize(mailboxId);
    for (const { id } of await organization.emails()) await organization.call('POST', `/emails/${id}/untrack`, {});

    for (const uid of [first, second]) await changeKeyword(mailUser, uid, 'messageFlagsAdd');
    await organization.synchronize(mailboxId);

    const untracked = (await organization.emails()).map(({ untrackedAt }) => untrackedAt);
    expect(untracked).toEqual([undefined, undefined]);
    const pairs = (list: typeof decisions) => list.map(({ id, emailId }) => `${id} ${emailId}`).sort();
    expect(pairs(await decisionsOf(organization, mailboxId))).toEqual(pairs(decisions));
  });
});

describe('a message without Message-ID whose email was deleted', () => {
  it('becomes an email again by the tracked keyword, and not by being read anew', async () => {
    const { organization, mailUser, mailboxId, append } = await start();
    await organization.settings({ tracking: { category: { enabled: true } } });
    const uid = await append('Pump 3 stands');
    await organization.synchronize(mailboxId);
    const [first] = await organization.emails();
    await organization.call('DELETE', `/emails/${first?.id}`);
    await append('Pump 3 stands');
    await organization.synchronize(mailboxId);
    const between = await organization.emails();
    await changeKeyword(mailUser, uid, 'messageFlagsRemove');
    await organization.synchronize(mailboxId);
    await changeKeyword(mailUser, uid, 'messageFlagsAdd');

    await organization.synchronize(mailboxId);

    expect(between).toEqual([]);
    expect(await organization.emails()).toMatchObject([{ subject: 'Alarm' }]);
    expect(await decisionsOf(organization, mailboxId)).toMatchObject([{ outcome: 'tracked' }]);
  });
});

describe('a message without Message-ID that was decided about while its mailbox was only observed', () => {
  it('becomes an email when somebody asks for it later', async () => {
    const { organization, mailUser, mailboxId, append } = await start();
    await organization.settings({ tracking: { category: { enabled: true } } });
    await world.observe(organization.id, mailboxId);
    const uid = await append('Pump 4 stands');
    await organization.synchronize(mailboxId);
    const observed = await decisionsOf(organization, mailboxId);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { workloads: { incoming: { mode: 'active' } } });
    await organization.synchronize(mailboxId);
    await changeKeyword(mailUser, uid, 'messageFlagsAdd');

    await organization.synchronize(mailboxId);

    const [email] = await organization.emails();
    expect(observed).toMatchObject([{ outcome: 'tracked', emailId: null }]);
    expect(email).toMatchObject({ subject: 'Alarm' });
    expect(await decisionsOf(organization, mailboxId)).toEqual([
      { id: observed[0]?.id, outcome: 'tracked', emailId: email?.id },
    ]);
  });
});
