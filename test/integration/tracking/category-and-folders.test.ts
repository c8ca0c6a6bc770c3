import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { MailUser } from '../../../local/mail-environment.ts';
import { eventually } from '../../support/eventually.ts';
import { appendMessage, listMessages, withMailbox } from '../../support/mailbox-client.ts';
import { startWithholdingImapProxy } from '../../support/withholding-imap-proxy.ts';
import { compose } from './compose.ts';
import { closeFolder } from './fill-inbox.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

const append = (mailUser: MailUser, fields: Readonly<Record<string, string>>, folder = 'INBOX', receivedAt?: Date) =>
  appendMessage(world.servers.environment, mailUser, compose(fields), {
    folder,
    ...(receivedAt === undefined ? {} : { receivedAt }),
  });

const yearAgo = new Date(Date.now() - 365 * 86_400_000);

const changeFlags = (mailUser: MailUser, uid: number, change: { readonly add?: string; readonly remove?: string }) =>
  withMailbox(world.servers.environment, mailUser, async (client) => {
    await client.mailboxOpen('INBOX');
    if (change.add !== undefined) await client.messageFlagsAdd(String(uid), [change.add], { uid: true });
    if (change.remove !== undefined) await client.messageFlagsRemove(String(uid), [change.remove], { uid: true });
  });

const flagsOf = async (mailUser: MailUser, folder = 'INBOX') =>
  new Map(
    (await listMessages(world.servers.environment, mailUser, folder)).map(({ subject, flags }) => [subject, flags]),
  );

const inMailbox = (mailUser: MailUser, use: Parameters<typeof withMailbox<unknown>>[2]) =>
  withMailbox(world.servers.environment, mailUser, use);

const storeOpportunity = async ({ call }: IncomingOrganization, externalId: string) => {
  await call('PUT', '/record-types/opportunity', { displayName: 'Opportunity' });
  await call('PUT', `/records/opportunity/ext:${externalId}`, { displayName: externalId });
  return { type: 'opportunity', id: `ext:${externalId}` };
};

describe('the tracked category', () => {
  const keyword = 'Tracked_to_CRM';

  const start = async (filtering: string) => {
    const organization = await world.createOrganization();
    await organization.settings({ tracking: { category: { enabled: true }, retry: { attempts: 1, seconds: 1 } } });
    const mailUser = world.nextMailUser();
    const user = await organization.user(mailUser, { filtering });
    await organization.synchronize(user.mailboxId);
    return { organization, mailUser, ...user };
  };

  it('is put on tracked mail as a keyword, and on no other', async () => {
    const { organization, id, mailUser, mailboxId } = await start('all');
    await append(mailUser, { Subject: 'Tracked' });
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/users/${id}`, { filtering: 'none' });
    await append(mailUser, { Subject: 'Skipped' });

    await organization.synchronize(mailboxId);

    const flags = await flagsOf(mailUser);
    expect([flags.get('Tracked'), flags.get('Skipped')]).toEqual([
      expect.arrayContaining([keyword]),
      expect.not.arrayContaining([keyword]),
    ]);
  });

  it('tracks a message on which a user puts it, however long ago that came', async () => {
    const { organization, mailUser, mailboxId } = await start('none');
    const uid = await append(mailUser, { Subject: 'Old' }, 'INBOX', yearAgo);
    await organization.synchronize(mailboxId);

    await changeFlags(mailUser, uid, { add: keyword });
    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toMatchObject([{ subject: 'Old', correlation: { method: 'manual' } }]);
    const [decision] = await organization.decisions(mailboxId);
    expect(decision).toMatchObject({ outcome: 'tracked', history: [{ outcome: 'skipped' }] });
    const steps = decision?.['steps'] as { step: string; detail: string }[];
    expect(steps.find(({ step }) => step === 'manual')?.detail).toContain('category');
  });

  it('untracks a message when it is taken off, and tracks it again when it is put back', async () => {
    const { organization, mailUser, mailboxId } = await start('all');
    const uid = await append(mailUser, { Subject: 'On and off' });
    await organization.synchronize(mailboxId);
    const isUntracked = async () => (await organization.emails()).map(({ untrackedAt }) => untrackedAt !== undefined);

    await changeFlags(mailUser, uid, { remove: keyword });
    await organization.synchronize(mailboxId);
    const off = await isUntracked();
    await changeFlags(mailUser, uid, { add: keyword });
    await organization.synchronize(mailboxId);

    expect([off, await isUntracked()]).toEqual([[true], [false]]);
  });

  it('leaves an email tracked whose message is deleted or moved away', async () => {
    const { organization, mailUser, mailboxId } = await start('all');
    await append(mailUser, { Subject: 'Deleted' });
    await append(mailUser, { Subject: 'Moved' });
    await organization.synchronize(mailboxId);
    await inMailbox(mailUser, async (client) => {
      await client.mailboxCreate('Elsewhere');
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1', { uid: true });
      await client.messageMove('2', 'Elsewhere', { uid: true });
    });

    await organization.synchronize(mailboxId);

    expect((await organization.emails()).map(({ untrackedAt }) => untrackedAt)).toEqual([undefined, undefined]);
  });

  it('put on more messages than one run has time for has them all tracked, and none counted as failed', async () => {
    const { organization, mailUser, mailboxId } = await start('none');
    await inMailbox(mailUser, async (client) => {
      for (let number = 1; number <= 300; number += 1)
        await client.append('INBOX', compose({ Subject: `Old ${number}` }), [], yearAgo);
    });
    await organization.synchronize(mailboxId);
    await inMailbox(mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageFlagsAdd('1:*', [keyword]);
    });

    // Hardly more than a run keeps for its end, for the first one.
    const cycle = await organization.synchronize(mailboxId, 12_150);

    const flags = [...(await flagsOf(mailUser)).values()];
    expect(await organization.emails()).toHaveLength(300);
    expect(flags.filter((one) => one.includes(keyword))).toHaveLength(300);
    expect(cycle.cursors['INBOX']?.category).toMatchObject({ failing: false });
  }, 120_000);

  it('gives way to an undeliverable mark after the retries, and putting it on again tries anew', async () => {
    const { organization, mailUser, mailboxId } = await start('none');
    await organization.settings({ tracking: { restrictProtected: true } });
    const uid = await append(mailUser, { Subject: 'Protected', 'Content-Class': 'rpmsg.message' });
    await organization.synchronize(mailboxId);
    await changeFlags(mailUser, uid, { add: keyword });
    await organization.synchronize(mailboxId);
    const first = (await flagsOf(mailUser)).get('Protected');
    const second = await eventually(
      async () => {
        await organization.synchronize(mailboxId);
        const flags = (await flagsOf(mailUser)).get('Protected');
        return flags?.includes(keyword) === true ? undefined : flags;
      },
      { what: 'the mark', seconds: 20, everyMilliseconds: 300 },
    );
    await organization.settings({ tracking: { restrictProtected: false } });
    await changeFlags(mailUser, uid, { add: keyword });

    await organization.synchronize(mailboxId);

    expect(first).toContain(keyword);
    expect([second?.includes(keyword), second?.includes(`${keyword}_Undeliverable`)]).toEqual([false, true]);
    expect(await organization.emails()).toMatchObject([{ subject: 'Protected' }]);
    expect((await flagsOf(mailUser)).get('Protected')).toEqual(
      expect.not.arrayContaining([`${keyword}_Undeliverable`]),
    );
  });

  it('takes its keyword off again where it is switched off', async () => {
    const { organization, mailUser, mailboxId } = await start('all');
    await append(mailUser, { Subject: 'Marked' });
    await organization.synchronize(mailboxId);

    await organization.settings({ tracking: { category: { enabled: false } } });
    await organization.synchronize(mailboxId);

    expect((await flagsOf(mailUser)).get('Marked')).toEqual(expect.not.arrayContaining([keyword]));
    expect((await organization.emails())[0]?.untrackedAt).toBeUndefined();
  });
});

describe('a folder rule', () => {
  const start = async (rule: object = {}, mail = world.servers.environment) => {
    const organization = await world.createOrganization(mail);
    const mailUser = world.nextMailUser();
    const user = await organization.user(mailUser, { filtering: 'none' });
    await inMailbox(mailUser, (client) => client.mailboxCreate('Projects'));
    const path = `/mailboxes/${user.mailboxId}/folder-rules`;
    const regarding = await storeOpportunity(organization, 'o-1');
    return {
      organization,
      mailUser,
      path,
      ...user,
      create: () => organization.call('POST', path, { folderId: 'Projects', regarding, ...rule }),
    };
  };

  it.each([false, true])('takes mail of the Sent folder for sent (tracking.sentItems: %s)', async (sentItems) => {
    const { organization, mailUser, mailboxId, path } = await start();
    await organization.settings({ tracking: { sentItems } });
    const regarding = await storeOpportunity(organization, 'o-1');
    await organization.call('POST', path, { folderId: 'Sent', regarding, reassert: true });
    const fields = { From: mailUser.address, To: 'carl@client.example', Subject: 'Sent by hand' };
    await append(mailUser, fields, 'Sent');
    await organization.synchronize(mailboxId);
    const [email] = await organization.emails();
    await organization.call('PATCH', `/emails/${email?.id}`, { regarding: null });

    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toMatchObject([
      { subject: 'Sent by hand', direction: 'outgoing', status: 'sent', regarding: { externalId: 'o-1' } },
    ]);
  });

  it('tracks what stands in the folder, whenever it came, with the regarding of the rule', async () => {
    const { organization, mailUser, mailboxId, create } = await start();
    await append(mailUser, { Subject: 'Old' }, 'Projects', yearAgo);

    const created = await create();
    await organization.synchronize(mailboxId);

    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ folderId: 'Projects', reassert: false, status: 'active' });
    expect(await organization.emails()).toMatchObject([
      { subject: 'Old', regarding: { type: 'opportunity', externalId: 'o-1' } },
    ]);
    const [decision] = await organization.decisions(mailboxId);
    const steps = decision?.['steps'] as { step: string; result: string; detail: string }[];
    expect(steps.find(({ step }) => step === 'manual')).toMatchObject({ result: 'match' });
    expect(steps.find(({ step }) => step === 'manual')?.detail).toContain('folder');
  });

  it('tracks what is moved in, and leaves one decision about it', async () => {
    const { organization, mailUser, mailboxId, create } = await start();
    await create();
    const uid = await append(mailUser, { Subject: 'Moved in' });
    await organization.synchronize(mailboxId);
    await inMailbox(mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageMove(String(uid), 'Projects', { uid: true });
    });

    await organization.synchronize(mailboxId);
    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toMatchObject([{ subject: 'Moved in', regarding: { externalId: 'o-1' } }]);
    expect(await organization.decisions(mailboxId)).toMatchObject([
      { outcome: 'tracked', folder: 'Projects', history: [{ outcome: 'skipped', code: 'filteredNone' }] },
    ]);
  });

  it('sets regarding once, and with reassert in each cycle again', async () => {
    const { organization, mailUser, mailboxId, path, create } = await start();
    const other = await storeOpportunity(organization, 'o-2');
    const { body } = await create();
    await append(mailUser, { Subject: 'Regarding' }, 'Projects');
    await organization.synchronize(mailboxId);
    const [email] = await organization.emails();
    const regarding = async () => (await organization.emails())[0]?.regarding?.externalId;

    await organization.call('PATCH', `/emails/${email?.id}`, { regarding: other });
    await organization.synchronize(mailboxId);
    const kept = await regarding();
    await organization.call('PATCH', `${path}/${body.id}`, { reassert: true });
    await organization.synchronize(mailboxId);

    expect([kept, await regarding()]).toEqual(['o-2', 'o-1']);
  });

  it('is broken, with an alert, when the folder is gone, and mended by another folder', async () => {
    const { organization, mailUser, mailboxId, path, create } = await start();
    const { body } = await create();
    await organization.synchronize(mailboxId);
    await inMailbox(mailUser, (client) => client.mailboxDelete('Projects'));

    await organization.synchronize(mailboxId);

    const broken = (await organization.call('GET', `${path}/${body.id}`)).body;
    const alerts = async () =>
      ((await organization.call('GET', '/alerts?status=open')).body.data as Record<string, unknown>[]).filter(
        ({ code }) => code === 'folderRuleBroken',
      );
    expect([broken.status, await alerts()]).toMatchObject(['broken', [{ mailboxId, subject: { id: body.id } }]]);
    await inMailbox(mailUser, (client) => client.mailboxCreate('Again'));
    const mended = await organization.call('PATCH', `${path}/${body.id}`, { folderId: 'Again' });
    expect([mended.status, mended.body.status, await alerts()]).toEqual([200, 'active', []]);
  });

  it('is broken, with an alert, when the server refuses its folder in run after run, and stops the mailbox no longer', async () => {
    const { organization, mailUser, mailboxId, path, create } = await start();
    const { body } = await create();
    await organization.synchronize(mailboxId);
    closeFolder(world.servers, mailUser, 'Projects');

    const failures: number[] = [];
    for (let run = 0; run < 6; run += 1) failures.push((await organization.synchronize(mailboxId)).consecutiveFailures);

    expect(failures).toEqual([1, 2, 3, 4, 5, 0]);
    expect((await organization.call('GET', `${path}/${body.id}`)).body.status).toBe('broken');
    expect((await organization.call('GET', '/alerts?status=open')).body.data).toMatchObject([
      { code: 'folderRuleBroken', subject: { id: body.id } },
    ]);
  });

  it('is broken before the failure that would disable the mailbox', async () => {
    const { organization, mailUser, mailboxId, path, create } = await start();
    await organization.settings({ schedule: { retry: { attempts: 3 } } });
    const { body } = await create();
    await organization.synchronize(mailboxId);
    closeFolder(world.servers, mailUser, 'Projects');

    const failures: number[] = [];
    for (let run = 0; run < 3; run += 1) failures.push((await organization.synchronize(mailboxId)).consecutiveFailures);

    expect(failures).toEqual([1, 2, 0]);
    expect((await organization.call('GET', `${path}/${body.id}`)).body.status).toBe('broken');
  });

  it('is broken at once where the server says that the login may not read its folder', async () => {
    const { environment } = world.servers;
    const proxy = await startWithholdingImapProxy(environment);
    onTestFinished(proxy.stop);
    const mail = { ...environment, imap: proxy.endpoint, caCertificate: proxy.caCertificate };
    const { organization, mailUser, mailboxId, path, create } = await start({}, mail);
    const { body } = await create();
    await organization.synchronize(mailboxId);
    await append(mailUser, { Subject: 'Not to be read' }, 'Projects');
    // Only the folder with new mail is selected.
    proxy.changeAnswer = (answer) => answer.replace(/^(\S+) OK \[READ-\w+\].*$/m, '$1 NO [NOPERM] Permission denied');

    expect((await organization.synchronize(mailboxId)).consecutiveFailures).toBe(0);
    expect((await organization.call('GET', `/mailboxes/${mailboxId}`)).body.workloads.incoming.state).toBe('enabled');
    expect((await organization.call('GET', `${path}/${body.id}`)).body.status).toBe('broken');
  });

  it('is refused for queues, for folders that are not there and beyond the limit', async () => {
    const { organization, mailUser, path, create } = await start();
    await organization.settings({ tracking: { folders: { maxPerMailbox: 1 } } });
    const queue = await organization.queue(world.nextMailUser());
    const nowhere = await organization.call('POST', path, { folderId: 'Nowhere' });
    const first = await create();
    await inMailbox(mailUser, (client) => client.mailboxCreate('Second'));

    const second = await organization.call('POST', path, { folderId: 'Second' });
    const ofQueue = await organization.call('POST', `/mailboxes/${queue.mailboxId}/folder-rules`, { folderId: 'x' });

    expect([nowhere.status, nowhere.body.errors[0].pointer]).toEqual([400, '#/folderId']);
    expect([first.status, second.status, second.body.code]).toEqual([201, 409, 'folderRuleLimit']);
    expect([ofQueue.status, ofQueue.body.code]).toEqual([409, 'notSupported']);
    const removed = await organization.call('DELETE', `${path}/${first.body.id}`);
    expect([removed.status, (await organization.call('GET', path)).body.data]).toEqual([204, []]);
  });
});
