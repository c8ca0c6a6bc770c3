import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailUser } from '../../../local/mail-environment.ts';
import { appendMessage, listMessages, withMailbox } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** As a rule of a mailbox forwards: a message of its own that carries the original. */
const forward = (from: string, original: string): string =>
  compose(
    {
      From: from,
      Subject: 'FW: see attachment',
      'MIME-Version': '1.0',
      'Content-Type': 'multipart/mixed; boundary=frontier',
    },
    [
      '--frontier\r\nContent-Type: text/plain\r\n\r\nForwarded by a rule',
      `--frontier\r\nContent-Type: message/rfc822\r\n\r\n${original}`,
      '--frontier--',
    ].join('\r\n'),
  );

const append = (mailUser: MailUser, raw: string) => appendMessage(world.servers.environment, mailUser, raw);
const countOf = async (mailUser: MailUser): Promise<number> =>
  (await listMessages(world.servers.environment, mailUser)).length;

/** An organization with a forward mailbox, and a user whose mail comes by it. */
const arrange = async (fields: Readonly<Record<string, unknown>> = {}) => {
  const organization: IncomingOrganization = await world.createOrganization();
  const [sink, anna] = [world.nextMailUser(), world.nextMailUser()];
  const { mailboxId } = await organization.forward(sink, fields);
  const user = (
    await organization.call('POST', '/users', { fullName: 'Anna', emailAddress: anna.address, filtering: 'all' })
  ).body;
  await organization.call('PATCH', `/mailboxes/${user.mailboxId}`, { workloads: { incoming: { method: 'forward' } } });
  return { organization, sink, anna, mailboxId, userId: String(user.id) };
};

describe('a forward mailbox', () => {
  it('gives the original as it was sent to the user whose rule forwarded it', async () => {
    const { organization, sink, anna, mailboxId, userId } = await arrange();
    const original = compose({ From: 'Carl <carl@client.example>', To: anna.address, Subject: 'Our offer' });
    await append(sink, forward(anna.address, original));

    await organization.synchronize(mailboxId);

    const [email, ...others] = await organization.emails();
    expect(others).toEqual([]);
    expect(email).toMatchObject({
      subject: 'Our offer',
      from: { address: 'carl@client.example' },
      acceptedBy: { id: userId },
      ownerId: userId,
      receivedByMailboxIds: [mailboxId],
    });
    const raw = await world.api.services.content.read(`${organization.id}/emails/${email?.id}/raw.eml`);
    expect(raw === undefined ? undefined : Buffer.from(raw).toString().trim()).toBe(original.trim());
  });

  it('gives one email of a message that two users had forwarded', async () => {
    const { organization, sink, anna, mailboxId } = await arrange();
    const original = compose({ To: 'list@example.test', Subject: 'To all' });
    await append(sink, forward(anna.address, original));
    await append(sink, forward(anna.address, original));

    await organization.synchronize(mailboxId);

    expect(await organization.emails()).toHaveLength(1);
  });

  it('takes nothing that was forwarded in its text, or by somebody whose method is another', async () => {
    const { organization, sink, anna, mailboxId } = await arrange();
    const ben = world.nextMailUser();
    await organization.call('POST', '/users', { fullName: 'Ben', emailAddress: ben.address, filtering: 'all' });
    await append(sink, compose({ From: anna.address, Subject: 'FW: inline' }));
    await append(sink, forward(ben.address, compose({ Subject: 'Not by rule' })));
    await append(sink, forward('mallory@elsewhere.example', compose({ Subject: 'Forged' })));

    await organization.synchronize(mailboxId);

    const decisions = await organization.decisions(mailboxId);
    expect(await organization.emails()).toEqual([]);
    expect(decisions.map(({ outcome, code }) => [outcome, code]).sort()).toEqual([
      ['skipped', 'noRecipientMatch'],
      ['skipped', 'noRecipientMatch'],
      ['skipped', 'notAttached'],
    ]);
  });

  it('deletes on the server what has become an email, and only that', async () => {
    const { organization, sink, anna, mailboxId } = await arrange({ deleteAfterProcessing: true });
    await append(sink, forward(anna.address, compose({ Subject: 'Tracked' })));
    await append(sink, compose({ From: anna.address, Subject: 'FW: inline' }));
    // Marked by somebody else, who may still want it back.
    await withMailbox(world.servers.environment, sink, (client) =>
      client.append('INBOX', compose({ From: 'x@example.test', Subject: 'Marked' }), ['\\Deleted']),
    );

    await organization.synchronize(mailboxId);

    const left = await listMessages(world.servers.environment, sink);
    expect(await organization.emails()).toHaveLength(1);
    expect(left).toHaveLength(2);
  });
});

describe('what a forward mailbox was sent and is skipped', () => {
  /** Anna tracks answers only. */
  const skipOne = async () => {
    const { organization, sink, anna, mailboxId, userId } = await arrange();
    await organization.call('PATCH', `/users/${userId}`, { filtering: 'responses' });
    const original = compose({ From: 'Carl <carl@client.example>', To: anna.address, Subject: 'Our offer' });
    await append(sink, forward(anna.address, original));
    await organization.synchronize(mailboxId);
    const [decision] = await organization.decisions(mailboxId);
    const track = async (path: string, body: object) => {
      const accepted = await organization.call('POST', path, body);
      await world.runOperations();
      return (await organization.call('GET', `/operations/${accepted.body.id}`)).body;
    };
    return { organization, mailboxId, userId, decision, decisionPath: `/decisions/${decision?.['id']}`, track };
  };

  it('is the original when it is explained, and when it is tracked on request', async () => {
    const { organization, mailboxId, userId, decision, decisionPath, track } = await skipOne();

    const explained = (await organization.call('POST', `${decisionPath}/explain`, {})).body;
    const operation = await track(`${decisionPath}/track`, {});

    const [email] = await organization.emails();
    expect([decision?.['code'], explained.code]).toEqual(['filteredResponses', 'filteredResponses']);
    expect(operation).toMatchObject({ status: 'succeeded', result: { outcome: 'tracked', emailId: email?.id } });
    expect(email).toMatchObject({ subject: 'Our offer', from: { address: 'carl@client.example' }, ownerId: userId });
    expect(await organization.decisions(mailboxId)).toMatchObject([
      { id: decision?.['id'], outcome: 'tracked', history: [{ code: 'filteredResponses' }] },
    ]);
  });

  it('is the original when the mailbox is reprocessed, once', async () => {
    const { organization, mailboxId, userId, decision, track } = await skipOne();
    await organization.call('PATCH', `/users/${userId}`, { filtering: 'all' });
    const body = { from: new Date(Date.now() - 86_400_000).toISOString() };

    const first = await track(`/mailboxes/${mailboxId}/reprocess`, body);
    const second = await track(`/mailboxes/${mailboxId}/reprocess`, body);

    expect([first.result.tracked, second.result.seen]).toEqual([1, 0]);
    expect((await organization.emails()).map(({ subject }) => subject)).toEqual(['Our offer']);
    expect(await organization.decisions(mailboxId)).toMatchObject([
      { id: decision?.['id'], outcome: 'tracked', history: [{ code: 'filteredResponses' }] },
    ]);
  });
});

describe('a mailbox of a queue', () => {
  it('keeps its mail on the server unless it is to be deleted after processing', async () => {
    const organization = await world.createOrganization();
    const [keeping, deleting] = [world.nextMailUser(), world.nextMailUser()];
    const kept = await organization.queue(keeping);
    const deleted = await organization.queue(deleting);
    await organization.call('PATCH', `/mailboxes/${deleted.mailboxId}`, { deleteAfterProcessing: true });
    await append(keeping, compose({ To: keeping.address }));
    await append(deleting, compose({ To: deleting.address }));

    await organization.synchronize(kept.mailboxId);
    await organization.synchronize(deleted.mailboxId);

    expect(await organization.emails()).toHaveLength(2);
    expect([await countOf(keeping), await countOf(deleting)]).toEqual([1, 0]);
  });

  it('keeps its mail while it is only observed: the hub has no email of it', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.queue(mailUser);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });
    await world.observe(organization.id, mailboxId);
    await append(mailUser, compose({ To: mailUser.address }));

    await organization.synchronize(mailboxId);

    expect(await organization.decisions(mailboxId)).toMatchObject([{ outcome: 'tracked', emailId: null }]);
    expect(await countOf(mailUser)).toBe(1);
  });

  it.each([
    ['was deleted in the hub', 'DELETE', ''],
    ['was untracked', 'POST', '/untrack'],
  ])('keeps a further copy of a message whose email %s: it may be the last', async (_, method, action) => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.queue(mailUser);
    await organization.call('PATCH', `/mailboxes/${mailboxId}`, { deleteAfterProcessing: true });
    const message = compose({ To: mailUser.address });
    await append(mailUser, message);
    await organization.synchronize(mailboxId);
    const [email] = await organization.emails();
    await organization.call(method, `/emails/${email?.id}${action}`);

    await append(mailUser, message);
    const { lastCounts } = await organization.synchronize(mailboxId);

    expect(lastCounts).toMatchObject({ seen: 1, tracked: 0, skipped: 1 });
    expect(await countOf(mailUser)).toBe(1);
  });
});
