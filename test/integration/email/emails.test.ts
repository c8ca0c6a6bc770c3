import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { storeBody } from '../../../shared/email/email-body.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import type { TestApi } from '../role-calls.ts';
import { type EmailApi, type EmailOrganization, startEmailApi } from './email-api.ts';
import { storeIncomingEmail } from './stored-email.ts';

let emails: EmailApi;
let api: TestApi;
let organization: EmailOrganization;
let call: EmailOrganization['call'];

beforeAll(async () => {
  emails = await startEmailApi();
  api = emails.api;
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await emails.createOrganization();
  call = organization.call;
});

const toCarl = { to: [{ record: { type: 'contact', id: 'ext:carl' } }], subject: 'Our offer' };

describe('a draft', () => {
  it('names parties by record and by address, merged, in their order', async () => {
    const carl = await organization.contact('carl', 'carl@client.example');
    const clara = await organization.contact('clara', 'clara@client.example');

    const draft = await organization.draft({
      to: [
        { address: 'Clara@client.example', name: 'Clara C.' },
        { record: { type: 'contact', id: carl } },
        { record: { type: 'contact', id: 'ext:clara' } },
        { address: 'unknown@client.example' },
      ],
    });

    expect(draft.to).toEqual([
      {
        address: 'Clara@client.example',
        name: 'Clara C.',
        records: [{ type: 'contact', id: clara, externalId: 'clara' }],
      },
      { address: 'carl@client.example', name: 'carl', records: [{ type: 'contact', id: carl, externalId: 'carl' }] },
      { address: 'unknown@client.example', records: [] },
    ]);
    expect(draft.from).toMatchObject({ address: 'anna@contoso.example', name: 'Anna', records: [{ type: 'user' }] });
  });

  it('reads the same by id and by externalId, tagged with its version', async () => {
    const draft = await organization.draft({ externalId: 'e/1 ü', body: { html: '<p>Hi</p>' } });

    const byId = await call('GET', `/emails/${draft.id}`);
    const byExternalId = await call('GET', `/emails/ext:${encodeURIComponent('e/1 ü')}`);

    expect(byId).toMatchObject({ status: 200, headers: { etag: '"1"' }, body: { body: { html: '<p>Hi</p>' } } });
    expect(byExternalId.body).toEqual(byId.body);
    expect((await call('GET', `/emails/${draft.id}?fields=summary`)).body).not.toHaveProperty('body');
  });

  it('keeps a long body whole', async () => {
    const text = 'ä'.repeat(100_000);
    const { id } = await organization.draft({ body: { text } });

    expect((await call('GET', `/emails/${id}`)).body.body).toEqual({ text });
    expect((await call('PATCH', `/emails/${id}`, { body: { html: 'x' } })).body.body).toEqual({ text, html: 'x' });
    expect((await call('PATCH', `/emails/${id}`, { body: null })).body.body).toEqual({});
  });

  it('is shown as far as an answer goes, whatever came from outside', async () => {
    const html = `<p>${'\u0001é'.repeat(900_000)}</p>`;
    const email = await storeIncomingEmail(api.services, organization);
    const stored = await storeBody(api.services.content, organization.id, email.id, { html, text: 'short' });
    const large = await storeIncomingEmail(api.services, organization, { body: undefined, ...stored });

    const { status, body } = await call('GET', `/emails/${large.id}`);

    expect(status).toBe(200);
    expect(body.body).toMatchObject({ text: 'short', truncated: true });
    expect(html.startsWith(body.body.html)).toBe(true);
    expect(body.body.html.length).toBeGreaterThan(500_000);
  });

  it('may be changed in everything, and null resets a field', async () => {
    await organization.contact('carl', 'carl@client.example');
    const { body: other } = await call('PUT', '/users/ext:ben', { fullName: 'Ben', emailAddress: 'ben@x.example' });
    const draft = await organization.draft({ ...toCarl, priority: 'high', headers: { 'X-A': '1' } });

    const changed = await call('PATCH', `/emails/${draft.id}`, {
      from: { owner: 'ext:ben' },
      to: null,
      cc: [{ address: 'x@client.example' }],
      subject: 'Other',
      priority: null,
      headers: null,
      sendAt: '2030-01-01T00:00:00+01:00',
      regarding: { type: 'contact', id: 'ext:carl' },
    });

    expect(changed).toMatchObject({
      status: 200,
      body: {
        version: 2,
        from: { address: 'ben@x.example' },
        ownerId: other.id,
        mailboxId: other.mailboxId,
        to: [],
        cc: [{ address: 'x@client.example' }],
        subject: 'Other',
        priority: 'normal',
        headers: {},
        sendAt: '2029-12-31T23:00:00.000Z',
        regarding: { type: 'contact', externalId: 'carl' },
      },
    });
  });

  it('may be changed in single headers: the others stay, and null takes one away', async () => {
    const draft = await organization.draft({ headers: { 'X-A': '1', 'X-B': '2' } });
    const more = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`X-More-${index}`, '1']));

    const changed = await call('PATCH', `/emails/${draft.id}`, { headers: { 'X-A': null, 'X-C': '3' } });
    const tooMany = await call('PATCH', `/emails/${draft.id}`, { headers: more });

    expect(changed).toMatchObject({ status: 200, body: { headers: { 'X-B': '2', 'X-C': '3' } } });
    expect(changed.body.headers).not.toHaveProperty('X-A');
    expect(tooMany).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/headers', code: 'outOfRange' }] } });
  });

  it('keeps its version when a change changes nothing, and refuses a stale writer', async () => {
    const draft = await organization.draft({ subject: 'Same' });

    const same = await call('PATCH', `/emails/${draft.id}`, { subject: 'Same', cc: [] });
    await call('PATCH', `/emails/${draft.id}`, { subject: 'New' });
    const stale = await call('PATCH', `/emails/${draft.id}`, { subject: 'Late' }, { 'if-match': '"1"' });

    expect(same).toMatchObject({ status: 200, body: { version: 1 } });
    expect(stale).toMatchObject({ status: 412, body: { code: 'versionMismatch' } });
  });

  it('can be removed, and is gone with its externalId', async () => {
    const draft = await organization.draft({ externalId: 'e-1' });

    const removed = await call('DELETE', '/emails/ext:e-1');

    expect(removed.status).toBe(204);
    expect((await call('GET', `/emails/${draft.id}`)).status).toBe(404);
    expect((await organization.draft({ externalId: 'e-1' })).id).not.toBe(draft.id);
  });
});

describe('an email that is more than a draft', () => {
  it('may change in what it regards, its owner, the records of its parties and its externalId alone', async () => {
    await organization.contact('carl', 'carl@client.example');
    const carla = await organization.contact('carla', 'carla@client.example');
    const draft = await organization.draft(toCarl);
    await call('POST', `/emails/${draft.id}/send`);
    const { body: ben } = await call('PUT', '/users/ext:ben', { fullName: 'Ben' });

    const changed = await call('PATCH', `/emails/${draft.id}`, {
      externalId: 'e-9',
      ownerId: 'ext:ben',
      regarding: { type: 'contact', id: 'ext:carl' },
      to: [{ address: 'carl@client.example', record: { type: 'contact', id: 'ext:carla' } }],
    });
    const refused = await call('PATCH', `/emails/${draft.id}`, { subject: 'Late', priority: 'low' });
    const redirected = await call('PATCH', `/emails/${draft.id}`, { to: [{ address: 'other@client.example' }] });

    expect(changed).toMatchObject({
      status: 200,
      body: {
        status: 'pendingSend',
        externalId: 'e-9',
        ownerId: ben.id,
        regarding: { externalId: 'carl' },
        to: [{ address: 'carl@client.example', records: [{ id: carla }] }],
      },
    });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'invalidState', errors: [{ pointer: '#/subject' }, { pointer: '#/priority' }] },
    });
    expect(redirected).toMatchObject({ status: 400, body: { errors: [{ code: 'addressesFixed' }] } });
  });

  it('cannot be removed while it waits to be sent', async () => {
    await organization.contact('carl', 'carl@client.example');
    const draft = await organization.draft(toCarl);
    await call('POST', `/emails/${draft.id}/send`);

    const waiting = await call('DELETE', `/emails/${draft.id}`);
    await call('POST', `/emails/${draft.id}/cancel`);

    expect(waiting).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    expect((await call('DELETE', `/emails/${draft.id}`)).status).toBe(204);
  });

  it('is cut off from its mailbox copy by untrack, once', async () => {
    const email = await storeIncomingEmail(api.services, organization);
    const draft = await organization.draft();

    const first = await call('POST', `/emails/${email.id}/untrack`);
    const second = await call('POST', `/emails/${email.id}/untrack`);

    expect(first).toMatchObject({ status: 200, body: { version: 2 } });
    expect(second.body.version).toBe(2);
    expect((await call('POST', `/emails/${draft.id}/untrack`)).body.code).toBe('invalidState');
  });

  it('learns whom an address stands for, and so do similar ones', async () => {
    const email = await storeIncomingEmail(api.services, organization);
    const similar = await storeIncomingEmail(api.services, organization);
    const carl = await organization.contact('carl', 'carl@private.example');
    const request = { address: 'CARL@client.example', record: { type: 'contact', id: 'ext:carl' } };
    // What a slow machine does not manage within two seconds is left to an operation.
    api.stopClock();

    const alone = await call('POST', `/emails/${email.id}/resolve-party`, { ...request, applyToSimilar: false });
    const before = await call('GET', `/emails/${similar.id}`);
    await call('POST', `/emails/${email.id}/resolve-party`, request);
    const after = await call('GET', `/emails/${similar.id}`);
    const stranger = await call('POST', `/emails/${email.id}/resolve-party`, { ...request, address: 'x@y.example' });

    expect(alone).toMatchObject({ status: 200, body: { from: { records: [{ id: carl }] } } });
    expect(before.body.from.records).toEqual([]);
    expect(after.body.from.records).toMatchObject([{ id: carl }]);
    expect(stranger).toMatchObject({ status: 400, body: { errors: [{ code: 'notAParty' }] } });
  });
});

describe('other callers', () => {
  it('who only read get mail without bodies, and none of its content', async () => {
    const draft = await organization.draft({ body: { text: 'Secret' } });
    const read = organization.as('reader');

    const email = await read('GET', `/emails/${draft.id}`);
    const list = await read('GET', '/emails');

    expect(email.status).toBe(200);
    expect(email.body).not.toHaveProperty('body');
    expect(list.body.data[0]).not.toHaveProperty('body');
    const refusals = await Promise.all([
      read('GET', `/emails/${draft.id}/raw`),
      read('GET', `/emails/${draft.id}/attachments`),
      read('GET', `/emails/${draft.id}/attachments/att_1/content`),
      read('POST', '/emails', { from: { owner: 'ext:anna' } }),
      read('PATCH', `/emails/${draft.id}`, {}),
      read('DELETE', `/emails/${draft.id}`),
      read('POST', `/emails/${draft.id}/send`),
    ]);
    expect(refusals.map(({ status }) => status)).toEqual(Array.from(refusals, () => 403));
  });

  it('of another organization find nothing, whatever they ask, and may use the same externalId', async () => {
    const { id } = await organization.draft({ externalId: 'e-1', subject: 'Ours' });
    const other = await emails.createOrganization();
    const theirs = await other.draft({ externalId: 'e-1', subject: 'Theirs' });
    const unknown = createIdentifier('eml', 0);
    const ask = async (emailId: string) => {
      const answers = await Promise.all([
        other.call('GET', `/emails/${emailId}`),
        other.call('PATCH', `/emails/${emailId}`, { subject: 'Stolen' }),
        other.call('DELETE', `/emails/${emailId}`),
        other.call('GET', `/emails/${emailId}/raw`),
        other.call('GET', `/emails/${emailId}/attachments`),
        ...['send', 'cancel', 'retry', 'mark-sent', 'untrack'].map((verb) =>
          other.call('POST', `/emails/${emailId}/${verb}`),
        ),
      ]);
      return answers.map(({ status, body }) => ({ status, body: { ...body, instance: '' } }));
    };

    const foreign = await ask(id);

    expect(foreign).toEqual(await ask(unknown));
    expect(foreign.every(({ status, body }) => status === 404 && body.code === 'notFound')).toBe(true);
    expect((await other.call('GET', '/emails/ext:e-1')).body.id).toBe(theirs.id);
    expect((await call('GET', '/emails/ext:e-1')).body).toMatchObject({ id, subject: 'Ours', version: 1 });
    expect((await other.call('GET', '/emails')).body.data).toHaveLength(1);
  });
});
