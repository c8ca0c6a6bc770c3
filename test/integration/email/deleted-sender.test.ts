import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { concludeSend } from '../../../shared/email/conclude-send.ts';
import { type Email, emailKind } from '../../../shared/email/email.ts';
import { claimEntry, markHanding, outboxRange, type QueuedSend, readQueuedSend } from '../../../shared/email/outbox.ts';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { type EmailApi, startEmailApi } from './email-api.ts';

let emails: EmailApi;
let watchdog: () => Promise<unknown>;

beforeAll(async () => {
  emails = await startEmailApi();
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const { handler } = await import('../../../functions/watchdog/handler.ts');
  watchdog = () => handler({}, {} as Context);
});

afterAll(async () => {
  await emails?.api.stop();
});

it('fails what waits in the mailbox of a user who is deleted, tells why, and leaves the rest as it is', async () => {
  const { store, now } = emails.api.services;
  const organization = await emails.createOrganization();
  const { call, sender } = organization;
  await organization.contact('carl', 'carl@client.example');
  const toCarl = { to: [{ record: { type: 'contact', id: 'ext:carl' } }] };
  const send = async (fields: object = {}) =>
    (await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...toCarl, ...fields, send: true })).body.id;
  const draft = await organization.draft(toCarl);
  const waiting = await send();
  const later = await send({ sendAt: '2030-01-01T00:00:00.000Z' });
  // A run that took it has died.
  const taken = await send();
  const { items } = await store.table.query(outboxRange(organization.id, sender.mailboxId));
  for (const queued of items.map(readQueuedSend).filter(({ entry }) => entry.emailId === taken)) {
    await store.table.write([claimEntry(queued, 'a-run')]);
    await store.update(
      emailKind,
      organization.id,
      taken,
      (email) => ({ next: { ...email, status: 'sending' as const } }),
      {
        now,
      },
    );
  }

  const stale = await call('DELETE', '/users/ext:anna', undefined, { 'if-match': '"99"' });
  const untouched = await call('GET', `/emails/${waiting}`);
  const deleted = await call('DELETE', '/users/ext:anna');

  expect([stale.status, untouched.body.status, deleted.status]).toEqual([412, 'pendingSend', 204]);
  for (const id of [waiting, later, taken]) {
    const { body } = await call('GET', `/emails/${id}`);
    expect(body).toMatchObject({ status: 'failed', delivery: { fault: { code: 'workloadNotEnabled' } } });
    expect(body.delivery.fault.cause).toContain('deleted');
    expect((await call('POST', `/emails/${id}/retry`)).body.code).toBe('workloadNotEnabled');
  }
  expect((await call('GET', `/emails/${draft.id}`)).body.status).toBe('draft');
  expect((await store.table.query(outboxRange(organization.id, sender.mailboxId))).items).toEqual([]);
});

it('leaves what a run has in its hands to the run, and ends what is left once no run can be alive', async () => {
  const { services, advance } = emails.api;
  const { store, now } = services;
  const organization = await emails.createOrganization();
  const { call, sender } = organization;
  await organization.contact('carl', 'carl@client.example');
  // An unconfirmed Send would be sent again, if there were anything to send it by.
  await organization.as('admin')('PATCH', '/settings', { outgoing: { onUnconfirmed: 'resend', sandboxAllow: ['*'] } });
  const send = async (): Promise<string> => {
    const to = [{ record: { type: 'contact', id: 'ext:carl' } }];
    return (await call('POST', '/emails', { from: { owner: 'ext:anna' }, to, send: true })).body.id;
  };
  const queuedOf = async (id: string): Promise<QueuedSend> => {
    const { items } = await store.table.query(outboxRange(organization.id, sender.mailboxId));
    const queued = items.map(readQueuedSend).find(({ entry }) => entry.emailId === id);
    if (queued === undefined) throw new Error(`${id} is not in the outbox`);
    return queued;
  };
  /** As a run does until the server asks for the message. */
  const handOver = async (id: string): Promise<QueuedSend> => {
    await store.table.write([claimEntry(await queuedOf(id), 'a-run')]);
    const sending = (email: Email) => ({ next: { ...email, status: 'sending' as const } });
    await store.update(emailKind, organization.id, id, sending, { now });
    await store.table.write([markHanding((await queuedOf(id)).key, 'a-run', now())]);
    return queuedOf(id);
  };
  const [orphan, alive, putBack] = [await send(), await send(), await send()];
  await handOver(orphan);
  const inItsHands = await handOver(alive);
  const triedAgain = await handOver(putBack);
  const statuses = () =>
    Promise.all([orphan, alive, putBack].map(async (id) => (await call('GET', `/emails/${id}`)).body.status));
  const found = await store.get(organizationKind, organization.id, organization.id);
  const mailbox = await store.get(mailboxKind, organization.id, sender.mailboxId);
  if (found === undefined || mailbox === undefined) throw new Error('There is no such mailbox');
  const conclude = (queued: QueuedSend, result: 'accepted' | 'deferred') =>
    concludeSend(
      store,
      { organization: found, mailbox, now },
      queued,
      new Map([['carl@client.example', { result, fault: createFault('serverError') }]]),
    );

  advance(-1_200_000);
  await call('DELETE', '/users/ext:anna');
  advance(1_200_000);
  const deleted = await statuses();
  await conclude(inItsHands, 'accepted');
  await conclude(triedAgain, 'deferred');
  const concluded = await statuses();
  await watchdog();
  const ended = await statuses();
  const { version } = (await call('GET', `/emails/${orphan}`)).body;
  await watchdog();

  expect(deleted).toEqual(['sending', 'sending', 'sending']);
  expect(concluded).toEqual(['sending', 'sent', 'pendingSend']);
  expect(ended).toEqual(['unconfirmed', 'sent', 'failed']);
  expect((await call('GET', `/emails/${orphan}`)).body).toMatchObject({
    version,
    to: [{ result: 'unconfirmed' }],
    delivery: { fault: { code: 'deliveryUnconfirmed' } },
  });
  expect((await store.table.query(outboxRange(organization.id, sender.mailboxId))).items).toEqual([]);
  expect(await emails.api.cycleItem(`${organization.id}#${sender.mailboxId}`, 'retirement')).toBeUndefined();
});

it('waits for runs that may be alive', async () => {
  const organization = await emails.createOrganization();
  const { mailboxId } = organization.sender;

  await organization.call('DELETE', '/users/ext:anna');
  await watchdog();

  const watched = await emails.api.cycleItem(`${organization.id}#${mailboxId}`, 'retirement');
  expect(Number(watched?.['due'])).toBeGreaterThan(Date.now() + 600_000);
});

it('says of what was sent through the mailbox that its copy was not filed, and lets go of it', async () => {
  const { store, now } = emails.api.services;
  const organization = await emails.createOrganization();
  const { call, sender } = organization;
  await organization.contact('carl', 'carl@client.example');
  const { id } = (
    await call('POST', '/emails', {
      from: { owner: 'ext:anna' },
      to: [{ record: { type: 'contact', id: 'ext:carl' } }],
      send: true,
    })
  ).body;
  const range = outboxRange(organization.id, sender.mailboxId);
  // A run sent it a while ago; its copy waits for a folder that cannot be written.
  for (const { key, entry } of (await store.table.query(range)).items.map(readQueuedSend)) {
    const next = { ...entry, state: 'copying' as const, claim: 'a-run', handedAt: 1, copyAttempts: 1 };
    await store.table.write([
      { update: key, expression: 'SET entity = :next', values: { ':next': next }, condition: 'attribute_exists(pk)' },
    ]);
  }
  const sent = (email: Email): Email => ({
    ...email,
    status: 'sent',
    delivery: email.delivery === null ? null : { ...email.delivery, sentCopy: 'pending' },
  });
  await store.update(emailKind, organization.id, id, (email) => ({ next: sent(email) }), { now });

  await call('DELETE', '/users/ext:anna');

  expect((await call('GET', `/emails/${id}`)).body).toMatchObject({ status: 'sent', delivery: { sentCopy: 'failed' } });
  expect((await store.table.query(range)).items).toEqual([]);
});
