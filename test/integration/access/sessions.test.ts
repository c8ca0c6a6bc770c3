import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { createEventReader } from '../read-events.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';

let world: AccessWorld;
let company: Company;
let anna: Person;
let ben: Person;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  [anna, ben] = [await company.createPerson('anna'), await company.createPerson('ben')];
});
afterAll(async () => {
  await world?.hub.stop();
});

const signIn = (body: Readonly<Record<string, unknown>>, as = company.crm, headers = {}) =>
  as('POST', '/v1/sessions', { body, headers });

describe('a session', () => {
  it('is made for a user whom the CRM vouches for, and tells who is signed in', async () => {
    const { status, headers, body } = await signIn({ userId: 'ext:anna' });
    const current = await world.hub.client(body.token)('GET', headers['location'] ?? '');

    expect(status).toBe(201);
    expect(body).toMatchObject({ userId: anna.userId, role: 'user' });
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(3_600_000);
    const { token: _token, signInUrl: _signInUrl, ...shown } = body;
    expect(current.body).toEqual(shown);
  });

  it('is stored without its token', async () => {
    const { body } = await signIn({ userId: anna.userId });

    const stored = JSON.stringify(await world.hub.allRecords());
    expect(stored).not.toContain(body.token.slice(-43));
    expect(stored).not.toContain(body.signInUrl.slice(-43));
  });

  it('shows its token and its link once', async () => {
    const headers = { 'idempotency-key': 'sign in' };
    const first = await signIn({ userId: anna.userId }, company.crm, headers);
    const second = await signIn({ userId: anna.userId }, company.crm, headers);

    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.body).toEqual({ ...first.body, token: null, signInUrl: null });
  });

  it('of role admin needs a key of role admin, and may what that key may', async () => {
    const refused = await signIn({ userId: anna.userId, role: 'admin' });
    const { body } = await signIn({ userId: anna.userId, role: 'admin' }, company.admin);

    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await world.hub.client(body.token)('GET', '/v1/settings')).status).toBe(200);
  });

  it('makes no further session', async () => {
    const { body } = await signIn({ userId: anna.userId, role: 'admin' }, company.admin);

    const again = await signIn({ userId: anna.userId }, world.hub.client(body.token));
    expect(again.status).toBe(403);
  });

  it.each([0, 43_201])('does not last %i seconds', async (expiresInSeconds) => {
    expect((await signIn({ userId: anna.userId, expiresInSeconds })).status).toBe(400);
  });

  it('is not made for inactive or unknown users', async () => {
    const { body } = await company.crm('PUT', '/v1/users/ext:gone', { body: { fullName: 'Gone', status: 'inactive' } });

    const [inactive, unknown] = [await signIn({ userId: body.id }), await signIn({ userId: 'ext:nobody' })];
    expect([inactive.status, inactive.body.code]).toEqual([409, 'userInactive']);
    expect([unknown.status, unknown.body.errors[0].pointer]).toEqual([400, '#/userId']);
  });

  it('ends when it signs out', async () => {
    const client = world.hub.client((await signIn({ userId: anna.userId })).body.token);

    expect((await client('DELETE', '/v1/sessions/current')).status).toBe(204);
    expect((await client('GET', '/v1/organization')).status).toBe(401);
  });

  it('ends when its user is deactivated or deleted, and when the key that vouched goes', async () => {
    const dora = await company.createPerson('dora');
    const { body: key } = await company.admin('POST', '/v1/api-keys', { body: { name: 'other', role: 'crm' } });
    const vouched = await signIn({ userId: anna.userId }, world.hub.client(key.secret));

    await company.crm('PATCH', `/v1/users/${dora.userId}`, { body: { status: 'inactive' } });
    expect((await dora.session('GET', '/v1/organization')).status).toBe(401);
    await company.crm('PATCH', `/v1/users/${dora.userId}`, { body: { status: 'active' } });
    expect((await dora.session('GET', '/v1/organization')).status).toBe(200);
    await company.crm('DELETE', `/v1/users/${dora.userId}`);
    expect((await dora.session('GET', '/v1/organization')).status).toBe(401);
    await company.admin('DELETE', `/v1/api-keys/${key.id}`);
    expect((await world.hub.client(vouched.body.token)('GET', '/v1/organization')).status).toBe(401);
  });
});

describe('a user who is signed in', () => {
  it('finds the own things in every list, and nothing of others', async () => {
    for (const [list, own] of [
      ['mailboxes', anna.mailboxId],
      ['emails', anna.emailId],
      ['alerts', anna.alertId],
      ['decisions', anna.decisionId],
      ['operations', anna.operationId],
    ] as const) {
      const { body } = await anna.session('GET', `/v1/${list}`);
      expect([list, body.data.map(({ id }: { id: string }) => id)]).toEqual([list, [own]]);
    }
    for (const list of ['mailboxes', 'emails', 'alerts', 'decisions'])
      expect((await anna.session('GET', `/v1/${list}?mailboxId=${ben.mailboxId}`)).body.data ?? []).toEqual([]);
    expect((await anna.session('GET', `/v1/mailboxes?ownerId=${ben.userId}`)).body.data).toEqual([]);
    expect((await anna.session('GET', '/v1/emails?messageId=none')).body.data).toEqual([]);
  });

  it('sets filtering, credentials and processEmailFrom, and no other field', async () => {
    const user = (body: unknown) => anna.session('PATCH', `/v1/users/${anna.userId}`, { body });
    const mailbox = (body: unknown) => anna.session('PATCH', `/v1/mailboxes/${anna.mailboxId}`, { body });

    expect((await user({ filtering: 'all' })).body.filtering).toBe('all');
    expect((await user({ filtering: 'all', fullName: 'Queen' })).status).toBe(403);
    expect((await mailbox({ credentials: { password: 'new' } })).status).toBe(200);
    expect((await mailbox({ processEmailFrom: '2026-01-01T00:00:00.000Z' })).status).toBe(200);
    expect((await mailbox({ emailAddress: 'other@contoso.example' })).status).toBe(403);
  });

  it('approves the address of the own mailbox, unless the settings leave that to administrators', async () => {
    const approve = () => anna.session('POST', `/v1/mailboxes/${anna.mailboxId}/approve`);
    const byDefault = await approve();
    await company.admin('PATCH', '/v1/settings', { body: { approval: { selfApproveNeedsAdmin: true } } });
    const refused = await approve();
    await company.admin('PATCH', '/v1/settings', { body: { approval: { selfApproveNeedsAdmin: null } } });

    expect([byDefault.status, byDefault.body.approval.status]).toEqual([200, 'approved']);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await ben.session('POST', `/v1/mailboxes/${anna.mailboxId}/approve`)).status).toBe(404);
  });

  it('sees the subjects of own mail that was not tracked, which an administrator does not', async () => {
    const path = `/v1/decisions/${anna.decisionId}`;

    expect((await anna.session('GET', path)).body.subject).toBe('A private matter');
    expect((await company.admin('GET', path)).body.subject).toBeNull();
  });

  it('writes in the own name, in that of another only where this is allowed, and answers own mail only', async () => {
    const write = (body: Readonly<Record<string, unknown>>) =>
      anna.session('POST', '/v1/emails', { body: { to: [{ address: 'carl@client.example' }], ...body } });

    const own = await write({ from: { owner: anna.userId } });
    const other = await write({ from: { owner: ben.userId } });
    const stranger = await write({ from: { owner: anna.userId, submitter: ben.userId } });
    const given = await write({ from: { owner: anna.userId }, ownerId: ben.userId });
    const answer = await write({ from: { owner: anna.userId }, inReplyTo: ben.emailId });
    await company.crm('PATCH', `/v1/users/${ben.userId}`, { body: { allowSendAs: true } });
    const allowed = await write({ from: { owner: ben.userId } });

    expect(own.status).toBe(201);
    expect([other.body.code, stranger.body.code]).toEqual(['sendAsNotAllowed', 'sendAsNotAllowed']);
    expect(given.status).toBe(403);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, '#/inReplyTo']);
    expect([allowed.status, allowed.body.ownerId]).toEqual([201, anna.userId]);
    expect((await anna.session('GET', `/v1/emails/${allowed.body.id}`)).status).toBe(200);
  });

  it('is meant by the own externalId, too', async () => {
    await company.crm('PATCH', `/v1/users/${anna.userId}`, { body: { externalId: 'the-anna' } });
    const from = { owner: 'ext:the-anna', submitter: 'ext:the-anna' };

    const { status, body } = await anna.session('POST', '/v1/emails', { body: { from, ownerId: 'ext:the-anna' } });

    expect([status, body.ownerId]).toEqual([201, anna.userId]);
  });

  it('is not answered with what another was answered under the same Idempotency-Key', async () => {
    const call = (person: Person) =>
      person.session('POST', `/v1/mailboxes/${anna.mailboxId}/sync`, {
        body: {},
        headers: { 'idempotency-key': 'the same' },
      });
    await call(anna);

    expect((await call(ben)).status).toBe(404);
  });

  it('reads the own events of the feed, and those of nobody else', async () => {
    const readEvents = await createEventReader();
    await readEvents((method, path) => company.admin(method, `/v1${path}`));

    const { body } = await anna.session('GET', '/v1/feed?limit=500');
    const snapshot = await anna.session('GET', '/v1/feed/snapshot?limit=500');
    const told = [...body.data, ...snapshot.body.data].map(({ subject }: FeedEvent) => subject.id);

    expect(told).toEqual(expect.arrayContaining([anna.mailboxId, anna.emailId, anna.alertId]));
    expect(told.filter((id) => [ben.mailboxId, ben.emailId, ben.alertId, company.id].includes(id))).toEqual([]);
    expect((await anna.session('GET', `/v1/feed?consumer=${ben.consumer}`)).status).toBe(404);
    expect((await anna.session('GET', `/v1/feed?consumer=${anna.consumer}`)).status).toBe(200);
  });
});
