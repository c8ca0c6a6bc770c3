import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendMessage, withMailbox } from '../../support/mailbox-client.ts';
import { startWithholdingImapProxy, type WithholdingImapProxy } from '../../support/withholding-imap-proxy.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;
let proxy: WithholdingImapProxy;

beforeAll(async () => {
  world = await startIncomingWorld();
  proxy = await startWithholdingImapProxy(world.servers.environment);
});

afterAll(async () => {
  await proxy?.stop();
  await world?.stop();
});

let users = 0;

/** A mailbox with three messages that have come since it was enabled, read by way of the proxy. */
const prepare = async () => {
  proxy.withhold = { uids: [], what: 'everything' };
  const { environment } = world.servers;
  const organization = await world.createOrganization({
    ...environment,
    imap: proxy.endpoint,
    caCertificate: proxy.caCertificate,
  });
  users += 1;
  const mailUser = world.mailUser(users);
  const { mailboxId } = await organization.user(mailUser);
  await organization.synchronize(mailboxId);
  for (const Subject of ['One', 'Two', 'Three']) await appendMessage(environment, mailUser, compose({ Subject }));
  return { organization, mailUser, mailboxId };
};

const subjectsOf = async (organization: IncomingOrganization): Promise<readonly string[]> =>
  (await organization.emails()).map(({ subject }) => subject).sort();

describe.each(['everything', 'messages', 'command'] as const)(
  'of a message that is listed and not sent (%s)',
  (what) => {
    it('nothing is lost: it is asked for again, and tracked once when it comes', async () => {
      const { organization, mailboxId } = await prepare();
      proxy.withhold = { uids: [2], what };

      const failed = await organization.synchronize(mailboxId);

      expect(failed.consecutiveFailures).toBe(1);
      expect(failed.cursors['INBOX']?.lastUid).toBe(1);
      const { workloads } = (await organization.call('GET', `/mailboxes/${mailboxId}`)).body;
      expect(workloads.incoming).toMatchObject({ state: 'retrying', fault: { code: 'serverError' } });
      expect(workloads.incoming.fault.detail).toContain('message 2 of INBOX');

      proxy.withhold = { uids: [], what };
      const cycle = await organization.synchronize(mailboxId);

      expect(cycle.consecutiveFailures).toBe(0);
      expect(cycle.cursors['INBOX']).toMatchObject({ lastUid: 3 });
      expect(cycle.cursors['INBOX']?.withheld).toBeUndefined();
      expect(await subjectsOf(organization)).toEqual(['One', 'Three', 'Two']);
      expect((await organization.call('GET', '/dead-letters')).body.data).toEqual([]);
    });

    it('the third run in vain sets it aside with an alert, and what came behind it is tracked', async () => {
      const { organization, mailboxId } = await prepare();
      proxy.withhold = { uids: [2, 3], what };

      await organization.synchronize(mailboxId);
      await organization.synchronize(mailboxId);
      proxy.withhold = { uids: [2], what };
      const cycle = await organization.synchronize(mailboxId);

      expect(cycle.consecutiveFailures).toBe(0);
      expect(cycle.lastCounts).toMatchObject({ failed: 1 });
      expect(await subjectsOf(organization)).toEqual(['One', 'Three']);
      const letters = (await organization.call('GET', '/dead-letters?status=open')).body.data;
      expect(letters).toMatchObject([{ mailboxId, attempts: 3, remote: { folder: 'INBOX', uid: 2 } }]);
      const alerts = (await organization.call('GET', '/alerts?status=open')).body.data;
      expect(alerts).toContainEqual(expect.objectContaining({ subject: { type: 'deadLetter', id: letters[0].id } }));
      const replay = await organization.call('POST', `/dead-letters/${letters[0].id}/replay`);
      await world.runOperations();
      const outcome = (await organization.call('GET', `/operations/${replay.body.id}`)).body;
      expect(outcome).toMatchObject({ status: 'failed', fault: { code: 'invalidState' } });
      const setAside = (await organization.decisions(mailboxId)).filter(({ outcome }) => outcome === 'setAside');
      expect(setAside).toMatchObject([{ folder: 'INBOX', uid: 2 }]);
    });
  },
);

it('passes over a message that was deleted after it was listed', async () => {
  const { organization, mailUser, mailboxId } = await prepare();
  proxy.beforeFetch = () =>
    withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('2', { uid: true });
    });

  const cycle = await organization.synchronize(mailboxId);

  expect(cycle).toMatchObject({ consecutiveFailures: 0, lastCounts: { seen: 2, tracked: 2 } });
  expect(await subjectsOf(organization)).toEqual(['One', 'Three']);
  expect((await organization.call('GET', '/dead-letters')).body.data).toEqual([]);
});

describe('a server that refuses the command', () => {
  it('for each message is ill, and nothing is set aside', async () => {
    const { organization, mailboxId } = await prepare();
    proxy.withhold = { uids: [1, 2, 3], what: 'command' };

    for (let run = 0; run < 4; run += 1) await organization.synchronize(mailboxId);

    const { workloads } = (await organization.call('GET', `/mailboxes/${mailboxId}`)).body;
    expect(workloads.incoming.fault.detail).toContain('Command Error. 12');
    expect((await organization.call('GET', '/dead-letters')).body.data).toEqual([]);

    proxy.withhold = { uids: [], what: 'command' };
    await organization.synchronize(mailboxId);

    expect(await subjectsOf(organization)).toEqual(['One', 'Three', 'Two']);
  });

  it('for the newest message, and sends others, cannot read that one, which the third run sets aside', async () => {
    const { organization, mailboxId } = await prepare();
    proxy.withhold = { uids: [3], what: 'command' };

    for (let run = 0; run < 3; run += 1) await organization.synchronize(mailboxId);

    expect(await subjectsOf(organization)).toEqual(['One', 'Two']);
    const letters = (await organization.call('GET', '/dead-letters?status=open')).body.data;
    expect(letters).toMatchObject([{ mailboxId, remote: { folder: 'INBOX', uid: 3 } }]);
  });
});
