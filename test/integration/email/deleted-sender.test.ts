import { afterAll, beforeAll, expect, it } from 'vitest';
import { emailKind } from '../../../shared/email/email.ts';
import { claimEntry, outboxRange, readQueuedSend } from '../../../shared/email/outbox.ts';
import { type EmailApi, startEmailApi } from './email-api.ts';

let emails: EmailApi;

beforeAll(async () => {
  emails = await startEmailApi();
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

  // A run died while it handed this one over.
  const handed = await send();
  const outbox = await store.table.query(outboxRange(organization.id, sender.mailboxId));
  for (const { key, entry } of outbox.items.map(readQueuedSend).filter(({ entry }) => entry.emailId === handed)) {
    const next = { ...entry, state: 'handing' as const, claim: 'a-run', handedAt: Date.now() };
    await store.table.write([
      { update: key, expression: 'SET entity = :next', values: { ':next': next }, condition: 'attribute_exists(pk)' },
    ]);
  }
  await organization.as('admin')('PATCH', '/settings', {
    outgoing: { onUnconfirmed: 'resend', sandboxAllow: ['*'] },
  });

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
  expect((await call('GET', `/emails/${handed}`)).body).toMatchObject({
    status: 'unconfirmed',
    to: [{ result: 'unconfirmed' }],
  });
  expect((await call('GET', `/emails/${draft.id}`)).body.status).toBe('draft');
  expect((await store.table.query(outboxRange(organization.id, sender.mailboxId))).items).toEqual([]);
});
