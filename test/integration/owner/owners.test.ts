import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { walkPages } from '../api-harness.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

let api: TestApi;
let organization: TestOrganization;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
  call = organization.as('crm');
});

const anna = { fullName: 'Anna', emailAddress: 'anna@contoso.example', filtering: 'responses' };

describe('a user', () => {
  it('is created by PUT under its externalId, with one mailbox, and edited by the next', async () => {
    const created = await call('PUT', '/users/ext:u-17', anna);
    const edited = await call('PUT', '/users/ext:u-17', {
      timeZone: 'Europe/Zurich',
      locale: 'de-CH',
      filtering: null,
    });
    const again = await call('PUT', '/users/ext:u-17', { timeZone: 'Europe/Zurich' });

    expect(created.status).toBe(201);
    expect(created.headers['location']).toBe(`/v1/users/${created.body.id}`);
    expect(created.headers['etag']).toBe('"1"');
    expect(created.body).toEqual({
      id: expect.stringMatching(/^usr_/),
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      externalId: 'u-17',
      ...anna,
      otherAddresses: [],
      status: 'active',
      timeZone: null,
      locale: null,
      autoCreate: null,
      allowSendAs: false,
      canOwnEmail: true,
      userNumber: 1,
      mailboxId: expect.stringMatching(/^mbx_/),
    });
    expect(edited).toMatchObject({
      status: 200,
      body: { ...anna, id: created.body.id, version: 2, timeZone: 'Europe/Zurich', filtering: null },
    });
    expect(again).toMatchObject({ status: 200, body: { version: 2 } });
    expect((await call('GET', '/mailboxes')).body.data).toMatchObject([
      { id: created.body.mailboxId, kind: 'user', ownerId: created.body.id },
    ]);
  });

  it('is created by POST, once under an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'anna' };

    const first = await call('POST', '/users', { ...anna, externalId: 'u-17' }, headers);
    const repeated = await call('POST', '/users', { ...anna, externalId: 'u-17' }, headers);
    const unnamed = await call('POST', '/users', { fullName: 'Ben' });

    expect([first.status, repeated.status]).toEqual([201, 201]);
    expect(repeated.body).toEqual(first.body);
    expect(unnamed.body).toMatchObject({ externalId: null, emailAddress: null, userNumber: 2 });
    expect((await call('GET', '/users/ext:u-17')).body).toEqual(first.body);
  });

  it('is changed by PATCH; null takes a field back to its default', async () => {
    await call('PUT', '/users/ext:u-17', { ...anna, otherAddresses: ['a@contoso.example'], allowSendAs: true });

    const { status, body } = await call('PATCH', '/users/ext:u-17', {
      fullName: 'Anna A.',
      otherAddresses: null,
      allowSendAs: null,
    });

    expect(status).toBe(200);
    expect(body).toMatchObject({ ...anna, fullName: 'Anna A.', otherAddresses: [], allowSendAs: false, version: 2 });
  });

  it('keeps to the versions that callers name', async () => {
    const { id } = (await call('PUT', '/users/ext:u-17', anna)).body;
    await call('PATCH', `/users/${id}`, { fullName: 'Anna A.' }, { 'if-match': '"1"' });

    for (const refused of [
      await call('PATCH', `/users/${id}`, { fullName: 'Anna B.' }, { 'if-match': '"1"' }),
      await call('PUT', '/users/ext:u-17', { fullName: 'Anna B.' }, { 'if-match': '"1"' }),
      await call('PUT', '/users/ext:u-17', { fullName: 'Anna B.' }, { 'if-none-match': '*' }),
      await call('PUT', '/users/ext:u-99', { fullName: 'Nobody' }, { 'if-match': '"1"' }),
      await call('DELETE', `/users/${id}`, undefined, { 'if-match': '"1"' }),
    ])
      expect(refused).toMatchObject({ status: 412, body: { code: 'versionMismatch' } });
    expect((await call('GET', `/users/${id}`)).body).toMatchObject({ fullName: 'Anna A.', version: 2 });
    expect((await call('PUT', '/users/ext:u-18', { fullName: 'Ben' }, { 'if-none-match': '*' })).status).toBe(201);
  });

  it('is refused with every wrong field, an externalId in use, or one that contradicts the path', async () => {
    await call('PUT', '/users/ext:u-17', anna);

    const wrong = await call('PUT', '/users/ext:u-18', {
      fullName: '',
      emailAddress: 'anna',
      timeZone: 'Mars/Olympus',
      userNumber: 7,
      mailboxId: 'mbx_1',
    });
    const taken = await call('POST', '/users', { fullName: 'Ben', externalId: 'u-17' });
    const contradicting = await call('PUT', '/users/ext:u-18', { fullName: 'Ben', externalId: 'u-19' });
    const nameless = await call('PUT', '/users/ext:u-18', {});
    const offset = await call('PUT', '/users/ext:u-18', { fullName: 'Ben', timeZone: '+01:00' });

    expect(wrong.body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '#/emailAddress',
      '#/fullName',
      '#/mailboxId',
      '#/timeZone',
      '#/userNumber',
    ]);
    expect(taken).toMatchObject({ status: 409, body: { code: 'externalIdTaken' } });
    expect(contradicting).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/externalId' }] } });
    expect(offset).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/timeZone', code: 'invalidValue' }] } });
    expect(nameless).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/fullName', code: 'required' }] } });
    expect((await call('GET', '/users/ext:u-18')).status).toBe(404);
  });

  it('stands for its further addresses as well', async () => {
    const { id } = (await call('PUT', '/users/ext:u-17', { ...anna, otherAddresses: ['a.a@contoso.example'] })).body;

    const found = async (address: string) => (await call('GET', `/resolve?address=${address}`)).body.candidates;

    for (const address of ['ANNA@contoso.example', 'a.a@contoso.example'])
      expect(await found(address)).toMatchObject([{ type: 'user', id }]);
    await call('PATCH', '/users/ext:u-17', { otherAddresses: [] });
    expect(await found('a.a@contoso.example')).toEqual([]);
  });

  it('leaves its mailbox retired and its address and externalId free when it is deleted', async () => {
    const { id, mailboxId } = (await call('PUT', '/users/ext:u-17', anna)).body;

    const deleted = await call('DELETE', '/users/ext:u-17');
    const gone = await call('GET', `/users/${id}`);
    const successor = await call('PUT', '/users/ext:u-17', anna);

    expect([deleted.status, gone.status, successor.status]).toEqual([204, 404, 201]);
    expect(successor.body.mailboxId).not.toBe(mailboxId);
    expect((await call('GET', `/mailboxes/${mailboxId}`)).body).toMatchObject({ retired: true, emailAddress: null });
    expect((await call('DELETE', `/users/${id}`)).status).toBe(404);
  });

  it('is created once by two that PUT it at the same time', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => call('PUT', '/users/ext:u-17', anna)));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await call('GET', '/mailboxes')).body.data).toHaveLength(1);
  });
});

describe('a queue', () => {
  it('belongs to a user or a team and has members and a mailbox', async () => {
    const user = (await call('PUT', '/users/ext:u-17', anna)).body;
    const team = (await call('PUT', '/teams/ext:t-1', { name: 'Sales team', memberIds: ['ext:u-17'] })).body;

    const { status, body } = await call('PUT', '/queues/ext:q-1', {
      name: 'Sales',
      emailAddress: 'sales@contoso.example',
      ownerId: 'ext:t-1',
      memberIds: ['ext:u-17', user.id],
    });
    const lonely = await call('PUT', '/queues/ext:q-2', { name: 'Lonely', ownerId: 'ext:u-99', memberIds: [] });

    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^que_/),
      ownerId: team.id,
      memberIds: [user.id],
      filtering: 'all',
      mailboxId: expect.stringMatching(/^mbx_/),
    });
    expect(team).toMatchObject({ id: expect.stringMatching(/^tea_/), memberIds: [user.id] });
    expect(team).not.toHaveProperty('mailboxId');
    expect(lonely).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/ownerId', code: 'notFound' }] } });
    expect((await call('GET', `/mailboxes/${body.mailboxId}`)).body).toMatchObject({ kind: 'queue', ownerId: body.id });
  });

  it('with the externalId of a user is no conflict', async () => {
    await call('PUT', '/users/ext:x-1', anna);

    expect((await call('PUT', '/queues/ext:x-1', { name: 'Sales' })).status).toBe(201);
    expect((await call('PUT', '/teams/ext:x-1', { name: 'Team' })).status).toBe(201);
  });
});

describe('owners', () => {
  it('list newest first, page by page', async () => {
    for (const [path, body] of [
      ['/users', { fullName: 'A' }],
      ['/queues', { name: 'A' }],
      ['/teams', { name: 'A' }],
    ] as const) {
      const made: string[] = [];
      for (let index = 0; index < 3; index += 1) made.push((await call('POST', path, body)).body.id);

      const listed = await walkPages((method, target) => call(method, target.replace('/v1', '')), `/v1${path}`);

      expect(listed.map(({ id }) => id)).toEqual(made.reverse());
    }
  });

  it('are read by a reader and changed by a CRM', async () => {
    const { id } = (await call('PUT', '/users/ext:u-17', anna)).body;
    const reader = organization.as('reader');

    expect((await reader('GET', `/users/${id}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/users', anna],
      ['PUT', '/users/ext:u-17', anna],
      ['PATCH', `/users/${id}`, {}],
      ['DELETE', `/users/${id}`, undefined],
      ['PUT', '/queues/ext:q-1', { name: 'Sales' }],
      ['PUT', '/teams/ext:t-1', { name: 'Team' }],
    ] as const)
      expect((await reader(method, path, body)).status).toBe(403);
  });

  it('of another organization answer as those that do not exist', async () => {
    const { id } = (await call('PUT', '/users/ext:u-17', anna)).body;
    const theirs = (await api.createOrganization()).as('admin');
    const unknown = `usr_${'0'.repeat(26)}`;

    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', anna],
      ['PATCH', { fullName: 'Mine' }],
      ['DELETE', undefined],
    ] as const) {
      const foreign = await theirs(method, `/users/${id}`, body);
      const missing = await theirs(method, `/users/${unknown}`, body);
      expect(foreign.status).toBe(404);
      expect({ ...foreign.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    }
    expect((await theirs('GET', '/users/ext:u-17')).status).toBe(404);
    expect((await theirs('PUT', '/queues/ext:q-1', { name: 'Sales', memberIds: [id] })).status).toBe(400);
    expect((await theirs('PUT', '/users/ext:u-17', anna)).body.id).not.toBe(id);
  });
});
