import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailUser } from '../../../local/mail-environment.ts';
import { appendMessage, listMessages, withMailbox } from '../../support/mailbox-client.ts';
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

const append = (mailUser: MailUser, fields: Readonly<Record<string, string>>, receivedAt?: Date, folder = 'INBOX') =>
  appendMessage(world.servers.environment, mailUser, compose(fields), {
    folder,
    ...(receivedAt === undefined ? {} : { receivedAt }),
  });

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** A user who tracks answers only, with a message that was skipped for it. */
const skipOne = async (fields: Readonly<Record<string, string>>) => {
  const organization = await world.createOrganization();
  const mailUser = world.nextMailUser();
  const user = await organization.user(mailUser, { filtering: 'responses' });
  await organization.synchronize(user.mailboxId);
  const uid = await append(mailUser, fields);
  await organization.synchronize(user.mailboxId);
  const [decision] = await organization.decisions(user.mailboxId);
  return { organization, mailUser, ...user, uid, decision: { ...decision, id: String(decision?.['id']) } };
};

const storeOpportunity = async ({ call }: IncomingOrganization): Promise<void> => {
  await call('PUT', '/record-types/opportunity', { displayName: 'Opportunity' });
  await call('PUT', '/records/opportunity/ext:o-3', { displayName: '500 chairs' });
};

/** Asks for work, has it done, and answers with how it ended. */
const carryOut = async ({ call }: IncomingOrganization, path: string, body: object) => {
  const accepted = await call('POST', path, body);
  expect([accepted.status, accepted.headers['location']]).toEqual([202, `/v1/operations/${accepted.body.id}`]);
  await world.runOperations();
  return (await call('GET', `/operations/${accepted.body.id}?wait=5`)).body;
};

describe('tracking what was skipped', () => {
  it('stores it whatever the filter says, with the regarding that was asked for, and keeps the first decision', async () => {
    const { organization, mailboxId, decision } = await skipOne({ Subject: 'Chairs?' });
    await storeOpportunity(organization);

    const operation = await carryOut(organization, `/decisions/${decision.id}/track`, {
      regarding: { type: 'opportunity', id: 'ext:o-3' },
    });

    const [email] = await organization.emails();
    expect(email).toMatchObject({
      subject: 'Chairs?',
      regarding: { type: 'opportunity', externalId: 'o-3' },
      correlation: { method: 'manual' },
      acceptedBy: null,
      receivedByMailboxIds: [mailboxId],
    });
    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'tracked', emailId: email?.id } });
    const decisions = await organization.decisions(mailboxId);
    expect(decisions).toMatchObject([
      { id: decision.id, outcome: 'tracked', history: [{ outcome: 'skipped', code: 'filteredResponses' }] },
    ]);
    const steps = decisions[0]?.['steps'] as { step: string; result: string }[];
    expect(steps.find(({ step }) => step === 'manual')).toMatchObject({ result: 'match' });
    expect(steps.find(({ step }) => step === 'filtering')).toMatchObject({ result: 'notApplicable' });
  });

  it('finds the message where it was moved to, and doubles nothing when asked twice', async () => {
    const { organization, mailUser, mailboxId, uid, decision } = await skipOne({ Subject: 'Moved' });
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxCreate('Projects');
      await client.mailboxOpen('INBOX');
      await client.messageMove(String(uid), 'Projects', { uid: true });
    });

    const first = await carryOut(organization, `/decisions/${decision.id}/track`, {});
    const second = await carryOut(organization, `/decisions/${decision.id}/track`, {});

    expect([first.result.outcome, second.result.outcome]).toEqual(['tracked', 'duplicate']);
    expect(second.result.emailId).toBe(first.result.emailId);
    expect(await organization.emails()).toHaveLength(1);
    expect(await organization.decisions(mailboxId)).toMatchObject([{ id: decision.id, folder: 'Projects' }]);
  });

  it('brings back what was untracked or deleted before', async () => {
    const { organization, decision } = await skipOne({ Subject: 'Back' });
    const path = `/decisions/${decision.id}/track`;
    const { emailId } = (await carryOut(organization, path, {})).result;
    await organization.call('POST', `/emails/${emailId}/untrack`, {});

    const again = await carryOut(organization, path, {});
    const tracked = (await organization.call('GET', `/emails/${emailId}`)).body;
    await organization.call('DELETE', `/emails/${emailId}`);
    const anew = await carryOut(organization, path, {});

    expect(again.result).toEqual({ outcome: 'tracked', emailId });
    expect(tracked.untrackedAt).toBeUndefined();
    expect(anew.result.outcome).toBe('tracked');
    expect(await organization.emails()).toHaveLength(1);
  });

  it('says when the message is gone', async () => {
    const { organization, mailUser, uid, decision } = await skipOne({ Subject: 'Gone' });
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete(String(uid), { uid: true });
    });

    const operation = await carryOut(organization, `/decisions/${decision.id}/track`, {});

    expect(operation).toMatchObject({ status: 'failed', fault: { code: 'messageGone' } });
  });
});

describe('explaining a decision', () => {
  it('shows what the settings of today would lead to, and changes nothing', async () => {
    const { organization, id, mailboxId, decision } = await skipOne({ Subject: 'Explain' });
    const before = await organization.decisions(mailboxId);
    const explain = () => organization.call('POST', `/decisions/${decision.id}/explain`, {});

    const asItWas = await explain();
    await organization.call('PATCH', `/users/${id}`, { filtering: 'all' });
    const asItIs = await explain();

    expect([asItWas.status, asItWas.body.outcome, asItWas.body.code]).toEqual([200, 'skipped', 'filteredResponses']);
    expect([asItIs.body.id, asItIs.body.outcome, asItIs.body.code]).toEqual([decision.id, 'tracked', null]);
    expect(await organization.emails()).toEqual([]);
    expect(await organization.decisions(mailboxId)).toEqual(before);
  });

  it('needs the mailbox only for what is not kept, and says so when the message is gone', async () => {
    const { organization, mailUser, mailboxId, uid, decision } = await skipOne({ Subject: 'Skipped' });
    await append(mailUser, { Subject: 'Tracked' });
    await organization.settings({ tracking: { forceFiltering: 'all' } });
    await organization.synchronize(mailboxId);
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX');
      await client.messageDelete('1:*', { uid: true });
    });
    const tracked = (await organization.decisions(mailboxId)).find(({ outcome }) => outcome === 'tracked');

    const ofTracked = await organization.call('POST', `/decisions/${tracked?.['id']}/explain`, {});
    const ofSkipped = await organization.call('POST', `/decisions/${decision.id}/explain`, {});

    expect([ofTracked.status, ofTracked.body.outcome, uid]).toEqual([200, 'tracked', 1]);
    expect([ofSkipped.status, ofSkipped.body.code]).toEqual([409, 'invalidState']);
    expect(ofSkipped.body.detail).toContain('no longer in the mailbox');
  });
});

describe('promoting a message', () => {
  it('fetches it by its Message-ID from any folder, and answers with the email once it is tracked', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering: 'none' });
    await append(mailUser, { Subject: 'Old', 'Message-ID': '<old@client.example>' }, daysAgo(400), 'Archive').catch(
      async () => {
        await withMailbox(world.servers.environment, mailUser, (client) => client.mailboxCreate('Archive'));
        await append(mailUser, { Subject: 'Old', 'Message-ID': '<old@client.example>' }, daysAgo(400), 'Archive');
      },
    );
    const path = `/mailboxes/${mailboxId}/promote`;

    const operation = await carryOut(organization, path, { messageId: 'old@client.example', createContact: false });
    const again = await organization.call('POST', path, { messageId: '<old@client.example>' });

    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'tracked' } });
    expect([again.status, again.body.id, again.body.subject]).toEqual([200, operation.result.emailId, 'Old']);
    expect(again.body.from.records).toEqual([]);
    const none = await organization.call('POST', path, {});
    expect([none.status, none.body.code]).toEqual([400, 'invalidRequest']);
  });

  it('fetches it also when the server refuses to open one of the folders before', async () => {
    const { organization, mailUser, mailboxId } = await skipOne({ Subject: 'Skipped' });
    const messageId = `<beside.${process.pid}@client.example>`;
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      await client.mailboxCreate('Closed');
      await client.mailboxCreate('Open');
    });
    await append(mailUser, { Subject: 'Beside', 'Message-ID': messageId }, undefined, 'Open');
    closeFolder(world.servers, mailUser, 'Closed');

    const { status } = await carryOut(organization, `/mailboxes/${mailboxId}/promote`, { messageId });

    expect(status).toBe('succeeded');
    expect((await organization.emails()).map(({ subject }) => subject)).toEqual(['Beside']);
  });

  it('fetches it from the place that an item id names', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser, { filtering: 'none' });
    const uid = await append(mailUser, { Subject: 'By place', 'Message-ID': '' });
    const uidValidity = await withMailbox(world.servers.environment, mailUser, async (client) =>
      String((await client.mailboxOpen('INBOX')).uidValidity),
    );

    const operation = await carryOut(organization, `/mailboxes/${mailboxId}/promote`, {
      itemId: `INBOX;UIDVALIDITY=${uidValidity}/;UID=${uid}`,
    });

    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'tracked' } });
    expect(await organization.emails()).toMatchObject([{ subject: 'By place' }]);
  });

  it('takes the raw message as an upload, and knows it again when the mailbox is read', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    const raw = compose({ Subject: 'Uploaded' });

    const { status, body } = await organization.call('POST', `/mailboxes/${mailboxId}/promote`, {
      upload: { sizeBytes: Buffer.byteLength(raw) },
    });
    const { upload, id } = body;
    await fetch(upload.url, { method: upload.method, headers: upload.headers, body: raw });
    await world.runOperations();
    await appendMessage(world.servers.environment, mailUser, raw);
    await organization.synchronize(mailboxId);

    expect(status).toBe(202);
    const operation = (await organization.call('GET', `/operations/${id}?wait=5`)).body;
    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'tracked' } });
    expect(await organization.emails()).toMatchObject([{ id: operation.result.emailId, subject: 'Uploaded' }]);
  });
});

describe('reprocessing', () => {
  it('decides again about what was skipped and takes in old mail that was moved in, doubling nothing', async () => {
    const { organization, id, mailUser, mailboxId, decision } = await skipOne({ Subject: 'Skipped' });
    await append(mailUser, { Subject: 'Old, moved in' }, daysAgo(20));
    await append(mailUser, { Subject: 'Too old' }, daysAgo(40));
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/users/${id}`, { filtering: 'all' });
    const path = `/mailboxes/${mailboxId}/reprocess`;

    const first = await carryOut(organization, path, { from: daysAgo(30).toISOString() });
    const second = await carryOut(organization, path, { from: daysAgo(30).toISOString() });

    expect(first).toMatchObject({ status: 'succeeded', result: { seen: 2, tracked: 2, skipped: 0 } });
    expect(second.result).toMatchObject({ seen: 0, tracked: 0 });
    expect((await organization.emails()).map(({ subject }) => subject)).toEqual(['Old, moved in', 'Skipped']);
    const decisions = await organization.decisions(mailboxId);
    expect(decisions.find((one) => one['id'] === decision.id)).toMatchObject({
      outcome: 'tracked',
      history: [{ outcome: 'skipped', code: 'filteredResponses' }],
    });
    expect(await listMessages(world.servers.environment, mailUser)).toHaveLength(3);
  });

  it('looks into the folder that is named, and says when there is none', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await withMailbox(world.servers.environment, mailUser, (client) => client.mailboxCreate('Projects'));
    await append(mailUser, { Subject: 'In a folder' }, daysAgo(1), 'Projects');
    const from = daysAgo(2).toISOString();
    const path = `/mailboxes/${mailboxId}/reprocess`;

    const found = await carryOut(organization, path, { from, folderId: 'Projects' });
    const missing = await carryOut(organization, path, { from, folderId: 'Nowhere' });

    expect(found.result).toMatchObject({ seen: 1, tracked: 1 });
    expect(missing).toMatchObject({ status: 'failed', fault: { code: 'invalidState' } });
  });
});
