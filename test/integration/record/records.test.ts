import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type User, userKind } from '../../../shared/owner/owner.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { type CrmRecord, crmRecordKind } from '../../../shared/record/record.ts';
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

const createUser = async (externalId: string): Promise<User> => {
  const at = new Date().toISOString();
  return api.services.store.create(userKind, organization.id, {
    id: createIdentifier('usr', Date.now()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    externalId,
    fullName: externalId,
    emailAddress: null,
    otherAddresses: [],
    status: 'active',
    timeZone: null,
    locale: null,
    filtering: null,
    autoCreate: null,
    allowSendAs: false,
    canOwnEmail: true,
    userNumber: 1,
    mailboxId: 'mbx_0000000000000001',
  });
};

const carl = {
  displayName: 'Carl Client',
  emails: [{ address: 'carl@client.example' }, { address: 'carl@home.example', primary: true }],
  custom: { tier: 'gold', score: 4.5, vip: true },
  fields: { givenName: 'Carl', phones: { business: ['+41 1 234'], mobile: '+41 79' }, birthday: '1980-05-01' },
};

describe('a record', () => {
  it('is created by PUT under its externalId and edited by the next', async () => {
    const created = await call('PUT', '/records/contact/ext:c-9', carl);
    const edited = await call('PUT', '/records/contact/ext:c-9', { fields: { jobTitle: 'Buyer', birthday: null } });

    expect(created.status).toBe(201);
    expect(created.headers['location']).toBe(`/v1/records/contact/${created.body.id}`);
    expect(created.headers['etag']).toBe('"1"');
    expect(created.body).toMatchObject({ ...carl, externalId: 'c-9', type: 'contact', version: 1, origin: 'crm' });
    expect(edited.status).toBe(200);
    expect(edited.body).toMatchObject({ id: created.body.id, version: 2, displayName: 'Carl Client' });
    expect(edited.body.fields).toEqual({
      givenName: 'Carl',
      jobTitle: 'Buyer',
      phones: { business: ['+41 1 234'], mobile: '+41 79' },
    });
  });

  it('has the first address as primary unless one says so', async () => {
    const { body } = await call('PUT', '/records/contact/ext:c-1', {
      displayName: 'Carl',
      emails: [{ address: 'one@client.example' }, { address: 'two@client.example' }],
    });

    expect(body.emails.map(({ primary }: { primary: boolean }) => primary)).toEqual([true, false]);
  });

  it('keeps its version when a write changes nothing', async () => {
    await call('PUT', '/records/contact/ext:c-9', carl);

    const again = await call('PUT', '/records/contact/ext:c-9', carl);

    expect(again).toMatchObject({ status: 200, body: { version: 1 } });
  });

  it('reads alike by its identifier and by its externalId, and not below another type', async () => {
    const { body } = await call('PUT', '/records/contact/ext:c-9', carl);

    expect((await call('GET', `/records/contact/${body.id}`)).body).toEqual(body);
    expect((await call('GET', '/records/contact/ext:c-9')).body).toEqual(body);
    for (const path of [`/records/lead/${body.id}`, '/records/lead/ext:c-9', '/records/unheardOf/ext:c-9'])
      expect((await call('GET', path)).status).toBe(404);
  });

  it('belongs to its organization alone', async () => {
    const { body } = await call('PUT', '/records/contact/ext:c-9', carl);
    const other = (await api.createOrganization()).as('admin');

    const foreign = await other('GET', `/records/contact/${body.id}`);
    const unknown = await other('GET', `/records/contact/${createIdentifier('rec', 0)}`);

    expect(foreign.status).toBe(404);
    expect({ ...foreign.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
    expect((await other('PUT', '/records/contact/ext:c-9', carl)).status).toBe(201);
  });

  it('is owned by whom its owner reference names', async () => {
    const anna = await createUser('u-17');

    const { body } = await call('PUT', '/records/contact/ext:c-9', {
      ...carl,
      ownerId: 'ext:u-17',
      visibleTo: ['ext:u-17'],
    });

    expect(body).toMatchObject({ ownerId: anna.id, visibleTo: [anna.id] });
  });

  it('is refused with a pointer to each wrong field', async () => {
    const { status, body } = await call('PUT', '/records/contact/ext:c-9', {
      displayName: '',
      emails: [{ address: 'nobody' }],
      colour: 'red',
      status: 'asleep',
    });
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);

    expect(status).toBe(400);
    expect(new Set(pointers)).toEqual(new Set(['#/displayName', '#/emails/0/address', '#/colour', '#/status']));
  });

  it.each([
    ['an unknown field of a contact', { fields: { shoeSize: 45 } }, '#/fields/shoeSize'],
    ['a field of the wrong form', { fields: { birthday: 'in May' } }, '#/fields/birthday'],
    ['an unknown owner', { ownerId: 'ext:nobody' }, '#/ownerId'],
    ['an unknown reader', { visibleTo: ['usr_00000000000000000000'] }, '#/visibleTo/0'],
    [
      'two primary addresses',
      {
        emails: [
          { address: 'a@b.example', primary: true },
          { address: 'c@b.example', primary: true },
        ],
      },
      '#/emails',
    ],
    ['a custom number that cannot be kept exactly', { custom: { n: 1e300 } }, '#/custom/n'],
    ['another externalId than the path', { externalId: 'c-10' }, '#/externalId'],
  ])('is refused with %s', async (_, change, pointer) => {
    const { status, body } = await call('PUT', '/records/contact/ext:c-9', { displayName: 'Carl', ...change });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('needs a name to be created', async () => {
    const { status, body } = await call('PUT', '/records/contact/ext:c-9', {});

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '#/displayName', code: 'required' }]);
  });

  it('respects If-Match and If-None-Match', async () => {
    await call('PUT', '/records/contact/ext:c-9', carl);
    const path = '/records/contact/ext:c-9';

    const statuses = [
      await call('PUT', path, { displayName: 'A' }, { 'if-none-match': '*' }),
      await call('PUT', path, { displayName: 'A' }, { 'if-match': '"7"' }),
      await call('PATCH', path, { displayName: 'A' }, { 'if-match': '"7"' }),
      await call('DELETE', path, undefined, { 'if-match': '"7"' }),
      await call('PATCH', path, { displayName: 'B' }, { 'if-match': '"1"' }),
      await call('PUT', '/records/contact/ext:new', carl, { 'if-match': '"1"' }),
      await call('PUT', '/records/contact/ext:new', carl, { 'if-none-match': '*' }),
    ].map(({ status }) => status);

    expect(statuses).toEqual([412, 412, 412, 412, 200, 412, 201]);
    expect((await call('GET', path)).body.displayName).toBe('B');
  });

  it('made by many requests at once is one record', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        call('PUT', '/records/contact/ext:c-9', { displayName: `Carl ${index}` }),
      ),
    );

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 200 || status === 201)).toBe(true);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it('is gone after DELETE, with its address and its externalId', async () => {
    await call('PUT', '/records/contact/ext:c-9', carl);

    expect((await call('DELETE', '/records/contact/ext:c-9?reason=accessLost')).status).toBe(204);
    expect((await call('GET', '/records/contact/ext:c-9')).status).toBe(404);
    expect((await call('DELETE', '/records/contact/ext:c-9')).status).toBe(404);
    expect((await call('GET', '/resolve?address=carl@client.example')).body.candidates).toEqual([]);
    expect((await call('PUT', '/records/contact/ext:c-9', carl)).status).toBe(201);
  });

  it('that the hub made is bound by PATCH, once', async () => {
    const at = new Date().toISOString();
    const made = await api.services.store.create<CrmRecord>(crmRecordKind, organization.id, {
      id: createIdentifier('rec', Date.now()),
      version: 1,
      createdAt: at,
      updatedAt: at,
      externalId: null,
      type: 'contact',
      displayName: 'Found in a mailbox',
      emails: [],
      owner: null,
      visibleTo: [],
      status: 'active',
      recordCreatedAt: at,
      custom: {},
      fields: {},
      origin: 'mailbox',
      contentHash: '',
    });
    await call('PUT', '/records/contact/ext:c-1', { displayName: 'Bound' });
    const unbound = (await call('GET', '/records/contact?bound=false')).body.data;

    const taken = await call('PATCH', `/records/contact/${made.id}`, { externalId: 'c-1' });
    const bound = await call('PATCH', `/records/contact/${made.id}`, { externalId: 'c-2' });

    expect(unbound.map(({ id }: { id: string }) => id)).toEqual([made.id]);
    expect(taken).toMatchObject({ status: 409, body: { code: 'externalIdTaken' } });
    expect(bound).toMatchObject({ status: 200, body: { externalId: 'c-2', origin: 'mailbox' } });
    expect((await call('GET', '/records/contact?bound=false')).body.data).toEqual([]);
  });

  it('is read but not written by a reader', async () => {
    await call('PUT', '/records/contact/ext:c-9', carl);
    const reader = organization.as('reader');

    expect((await reader('GET', '/records/contact/ext:c-9')).status).toBe(200);
    expect((await reader('PUT', '/records/contact/ext:c-9', carl)).status).toBe(403);
    expect((await reader('DELETE', '/records/contact/ext:c-9')).status).toBe(403);
  });
});

describe('lists of records', () => {
  const namesOf = (answer: { body: { data: { externalId: string }[] } }) =>
    answer.body.data.map(({ externalId }) => externalId);

  it('are filtered by owner, status, address and type', async () => {
    await createUser('u-17');
    await call('PUT', '/records/contact/ext:a', { displayName: 'A', ownerId: 'ext:u-17' });
    await call('PUT', '/records/contact/ext:b', {
      displayName: 'B',
      status: 'inactive',
      emails: [{ address: 'B@Client.example' }],
    });
    await call('PUT', '/records/lead/ext:c', { displayName: 'C', emails: [{ address: 'b@client.example' }] });

    expect(namesOf(await call('GET', '/records/contact'))).toEqual(['b', 'a']);
    expect(namesOf(await call('GET', '/records/contact?ownerId=ext:u-17'))).toEqual(['a']);
    expect(namesOf(await call('GET', '/records/contact?ownerId=ext:nobody'))).toEqual([]);
    expect(namesOf(await call('GET', '/records/contact?status=inactive'))).toEqual(['b']);
    expect(namesOf(await call('GET', '/records/contact?email=b@client.example'))).toEqual(['b']);
    expect(namesOf(await call('GET', '/records/contact?email=b@client.example&status=active'))).toEqual([]);
  });

  it('give each record once over pages, by address, too', async () => {
    for (let index = 0; index < 5; index += 1)
      await call('PUT', `/records/contact/ext:c-${index}`, {
        displayName: 'C',
        emails: [{ address: 'all@client.example' }],
      });
    for (const query of ['', '&email=all@client.example']) {
      const seen: string[] = [];
      let cursor = '';
      for (let page = 0; page < 3; page += 1) {
        const answer = await call('GET', `/records/contact?limit=2${query}${cursor}`);
        seen.push(...namesOf(answer));
        cursor = `&cursor=${answer.body.nextCursor}`;
      }
      expect(seen).toEqual(['c-4', 'c-3', 'c-2', 'c-1', 'c-0']);
      expect(cursor).toBe('&cursor=null');
    }
  });

  it('as a digest show drift: equal content has an equal hash', async () => {
    const hashes = async () =>
      Object.fromEntries(
        (await call('GET', '/records/contact?view=digest')).body.data.map(
          ({ externalId, contentHash }: { externalId: string; contentHash: string }) => [externalId, contentHash],
        ),
      );
    const body = { displayName: 'Carl', createdAt: '2026-01-01T00:00:00Z', fields: { givenName: 'C', surname: 'D' } };
    await call('PUT', '/records/contact/ext:a', body);
    await call('PUT', '/records/contact/ext:b', { ...body, fields: { surname: 'D', givenName: 'C' } });
    const before = await hashes();
    await call('PATCH', '/records/contact/ext:b', { displayName: 'Carla' });
    const after = await hashes();

    expect(before['a']).toBe(before['b']);
    expect(after['a']).toBe(before['a']);
    expect(after['b']).not.toBe(before['b']);
  });
});

describe("the CRM's own types", () => {
  it('are made by PUT, listed, and have records', async () => {
    const made = await call('PUT', '/record-types/opportunity', { displayName: 'Opportunity' });
    const again = await call('PUT', '/record-types/opportunity', { displayName: 'Opportunity' });
    const changed = await call('PUT', '/record-types/opportunity', { displayName: 'Deal', resolutionRank: 3 });
    const record = await call('PUT', '/records/opportunity/ext:o-3', {
      displayName: '500 chairs',
      fields: { any: [{ thing: 1 }] },
    });

    expect(made).toMatchObject({
      status: 201,
      body: { type: 'opportunity', emailEnabled: false, resolutionRank: null, version: 1 },
    });
    expect(again).toMatchObject({ status: 200, body: { version: 1 } });
    expect(changed).toMatchObject({ status: 200, body: { displayName: 'Deal', version: 2 } });
    expect(record).toMatchObject({ status: 201, body: { fields: { any: [{ thing: 1 }] } } });
    expect((await call('GET', '/record-types')).body.data).toMatchObject([{ type: 'opportunity' }]);
    expect((await call('GET', '/record-types/opportunity')).body).toEqual(changed.body);
  });

  it.each(['contact', 'user', 'Opportunity', 'x'])('cannot be called %s', async (type) => {
    const { status, body } = await call('PUT', `/record-types/${type}`, { displayName: 'X' });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '#/path/type' }]);
  });

  it('take part in the resolution of addresses from when they are email-enabled', async () => {
    const address = { emails: [{ address: 'p@client.example' }] };
    await call('PUT', '/record-types/partner', { displayName: 'Partner' });
    await call('PUT', '/records/partner/ext:p-1', { displayName: 'P', ...address });
    const before = (await call('GET', '/resolve?address=p@client.example')).body;
    await call('PUT', '/record-types/partner', { displayName: 'Partner', emailEnabled: true });
    const after = (await call('GET', '/resolve?address=P@client.example')).body;

    expect(before).toMatchObject({ chosen: null, reason: 'noMatch' });
    expect(after).toMatchObject({ chosen: { type: 'partner', externalId: 'p-1' }, reason: 'onlyMatch' });
  });
});

describe('the resolution of an address', () => {
  it('finds who takes part in email among any number of records that do not', async () => {
    const emails = [{ address: 'carl@client.example' }];
    await call('PUT', '/record-types/case', { displayName: 'Case' });
    await call('PUT', '/records/contact/ext:c-1', { displayName: 'Carl', emails });
    const cases = Array.from({ length: 5 }, (_, number) => ({
      op: 'put',
      type: 'case',
      id: `ext:k-${number}`,
      emails,
    }));
    const items = cases.map((item) => ({ ...item, displayName: 'Case' }));
    await call('POST', '/records/batch', { items });
    await organization.as('admin')('PATCH', '/settings', { resolution: { senderMatchCap: 2 } });

    const resolved = (await call('GET', '/resolve?address=carl@client.example')).body;
    const ofOneType = (await call('GET', '/resolve?address=carl@client.example%23case')).body;

    expect(resolved).toMatchObject({ chosen: { type: 'contact', externalId: 'c-1' }, reason: 'onlyMatch' });
    expect(ofOneType).toMatchObject({ chosen: null, reason: 'noMatch' });
    expect((await call('GET', '/records/case?email=carl@client.example')).body.data).toHaveLength(5);
  });

  it('shows the candidates in order, whom a sender stands for, and why', async () => {
    const anna = await createUser('u-17');
    const emails = [{ address: 'Carl@Client.example' }];
    await call('PUT', '/records/lead/ext:l-1', { displayName: 'Lead', emails, ownerId: 'ext:u-17' });
    await call('PUT', '/records/contact/ext:c-1', { displayName: 'Contact', emails });

    const plain = (await call('GET', '/resolve?address=carl@client.example')).body;
    const ofAnna = (await call('GET', `/resolve?address=carl@client.example&mailboxOwnerId=${anna.id}`)).body;

    expect(plain).toMatchObject({ chosen: { type: 'contact', externalId: 'c-1' }, reason: 'rank' });
    expect(plain.candidates.map(({ type }: { type: string }) => type)).toEqual(['contact', 'lead']);
    expect(plain.recipients).toHaveLength(2);
    expect(ofAnna).toMatchObject({ chosen: { type: 'lead' }, reason: 'ownedByMailboxOwner' });
  });
});
