import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mailboxKind, type WorkloadState } from '../../../shared/mailbox/mailbox.ts';
import { recordKey } from '../../../shared/platform/records-table.ts';
import type { Answer } from '../api-harness.ts';
import { type EmailApi, type EmailOrganization, startEmailApi } from './email-api.ts';

let emails: EmailApi;
let organization: EmailOrganization;
let call: EmailOrganization['call'];

beforeAll(async () => {
  emails = await startEmailApi();
});

afterAll(async () => {
  await emails?.api.stop();
});

beforeEach(async () => {
  organization = await emails.createOrganization();
  call = organization.call;
  await organization.contact('carl', 'carl@client.example');
});

const toCarl = { to: [{ record: { type: 'contact', id: 'ext:carl' } }] };

const refusal = ({ status, body }: Answer) => ({ status, code: body.code });

const setState = (state: WorkloadState) =>
  emails.api.services.store.update(
    mailboxKind,
    organization.id,
    organization.sender.mailboxId,
    (mailbox) => ({
      next: { ...mailbox, workloads: { ...mailbox.workloads, outgoing: { ...mailbox.workloads.outgoing, state } } },
    }),
    { now: emails.api.services.now },
  );

describe('a Send is refused', () => {
  it.each([
    ['without recipients', {}, 400, 'noRecipients', undefined],
    ['to what is no address', { to: [{ address: 'carl at client' }] }, 400, 'recipientInvalid', '#/to/0'],
    [
      'with an answer to what is no address',
      { ...toCarl, replyTo: [{ address: 'x' }] },
      400,
      'recipientInvalid',
      '#/replyTo/0',
    ],
    [
      'to an address that no record has',
      { ...toCarl, cc: [{ address: 'x@y.example' }] },
      400,
      'unresolvedRecipients',
      '#/cc/0',
    ],
  ])('%s, and the draft stays one', async (_, fields, status, code, pointer) => {
    const draft = await organization.draft(fields);

    const sent = await call('POST', `/emails/${draft.id}/send`);
    const atOnce = await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...fields, send: true });

    for (const answer of [sent, atOnce]) {
      expect(refusal(answer)).toEqual({ status, code });
      expect(answer.body.errors?.[0].pointer).toBe(pointer);
      expect(answer.body.fix).not.toBe('');
    }
    expect((await call('GET', `/emails/${draft.id}`)).body).toMatchObject({ status: 'draft', version: 1 });
    expect((await call('GET', '/emails')).body.data).toHaveLength(1);
  });

  it('from a mailbox of the key, which has none', async () => {
    const sender = { from: { owner: 'ext:anna', via: 'submitter' }, ...toCarl };

    expect(refusal(await call('POST', '/emails', sender))).toEqual({ status: 403, code: 'sendAsNotAllowed' });
  });

  it('from a user or queue that there is not', async () => {
    const { status, body } = await call('POST', '/emails', { from: { owner: 'ext:nobody' }, ...toCarl });

    expect({ status, pointer: body.errors[0].pointer }).toEqual({ status: 400, pointer: '#/from/owner' });
  });

  it('while the mailbox of the sender does not send, but not while it merely tries again', async () => {
    const draft = await organization.draft(toCarl);
    for (const state of ['off', 'notTested', 'disabled'] as const) {
      await setState(state);
      expect(refusal(await call('POST', `/emails/${draft.id}/send`))).toEqual({
        status: 409,
        code: 'workloadNotEnabled',
      });
    }
    await setState('retrying');

    expect((await call('POST', `/emails/${draft.id}/send`)).status).toBe(202);
  });

  it('while email goes through another channel', async () => {
    const draft = await organization.draft(toCarl);
    await organization.as('admin')('PATCH', '/settings', { processing: { channel: 'emailRouter' } });

    expect(refusal(await call('POST', `/emails/${draft.id}/send`))).toEqual({
      status: 409,
      code: 'channelIsEmailRouter',
    });
  });

  it('while the organization is suspended', async () => {
    const draft = await organization.draft(toCarl);
    await emails.api.operator('POST', `/v1/organizations/${organization.id}/suspend`, { body: { reason: 'unpaid' } });

    const { status, body } = await call('POST', `/emails/${draft.id}/send`);

    expect({ status, code: body.code }).toEqual({ status: 403, code: 'organizationSuspended' });
  });

  it('by who read an older version of the draft', async () => {
    const draft = await organization.draft(toCarl);
    await call('PATCH', `/emails/${draft.id}`, { subject: 'Changed' });

    const stale = await call('POST', `/emails/${draft.id}/send`, {}, { 'if-match': '"1"' });
    const fresh = await call('POST', `/emails/${draft.id}/send`, {}, { 'if-match': '"2"' });

    expect(refusal(stale)).toEqual({ status: 412, code: 'versionMismatch' });
    expect(fresh.status).toBe(202);
  });
});

describe('a Send is accepted', () => {
  it('to a record that was created after the draft', async () => {
    const draft = await organization.draft({ to: [{ address: 'late@client.example' }] });
    const late = await organization.contact('late', 'late@client.example');

    const sent = await call('POST', `/emails/${draft.id}/send`);

    expect(sent).toMatchObject({ status: 202, body: { to: [{ records: [{ id: late }] }] } });
  });

  it('to anybody where the organization allows that', async () => {
    await organization.as('admin')('PATCH', '/settings', { outgoing: { allowUnresolvedRecipients: true } });
    const draft = await organization.draft({ to: [{ address: 'x@y.example' }] });

    expect((await call('POST', `/emails/${draft.id}/send`)).status).toBe(202);
  });

  it('even when its lane cannot be woken just now', async () => {
    const { queues } = emails.api.services;
    const send = queues.send;
    Object.assign(queues, { send: () => Promise.reject(new Error('no queue')) });
    const request = { from: { owner: 'ext:anna' }, ...toCarl, send: true };

    const accepted = await call('POST', '/emails', request, { 'idempotency-key': 'k-1' });
    const again = await call('POST', '/emails', request, { 'idempotency-key': 'k-1' });

    Object.assign(queues, { send });
    expect([accepted.status, again.status, again.body.id]).toEqual([202, 202, accepted.body.id]);
    expect((await call('GET', '/emails')).body.data).toHaveLength(1);
  });

  it('although its API died before it answered, and a repeat would be refused by now', async () => {
    const { table } = emails.api.services;
    const request = { from: { owner: 'ext:anna' }, ...toCarl, send: true };
    const key = { 'idempotency-key': 'k-2' };
    const first = await call('POST', '/emails', request, key);
    await table.write([
      {
        update: recordKey(organization.id, 'idempotency', 'k-2'),
        expression: 'SET claimedUntil = :past REMOVE #status',
        names: { '#status': 'status' },
        values: { ':past': 0 },
      },
    ]);
    await setState('disabled');

    const again = await call('POST', '/emails', request, key);

    expect([again.status, again.body.id, again.body.status]).toEqual([202, first.body.id, 'pendingSend']);
  });
});
