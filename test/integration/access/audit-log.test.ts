import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkPages } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';

let world: AccessWorld;
let company: Company;
let anna: Person;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  anna = await company.createPerson('anna');
});
afterAll(async () => {
  await world?.hub.stop();
});

const read = async (query = '') => (await company.admin('GET', `/v1/audit-log${query}`)).body.data;

describe('the audit log', () => {
  it('tells who changed what, from what and to what', async () => {
    await company.admin('PATCH', '/v1/settings', { body: { outgoing: { undoSeconds: 30 } } });

    const [entry] = await read('?action=settings.changed');
    expect(entry).toMatchObject({
      actor: { type: 'key' },
      subject: { type: 'settings', id: company.id },
      before: { outgoing: { undoSeconds: 0 } },
      after: { outgoing: { undoSeconds: 30 } },
    });
    expect(entry.before).toEqual({ outgoing: { undoSeconds: 0 } });
  });

  it('tells nothing of a request that changed nothing or was refused', async () => {
    const before = await read();
    const { body } = await company.admin('GET', '/v1/settings');
    await company.admin('PATCH', '/v1/settings', { body: { outgoing: body.outgoing } });
    await company.admin('PATCH', '/v1/settings', { body: { outgoing: { undoSeconds: -1 } } });
    await company.crm('POST', '/v1/api-keys', { body: { name: 'refused', role: 'admin' } });

    expect(await read()).toEqual(before);
  });

  it('knows keys, sessions and operators, and the user behind a session', async () => {
    await anna.session('PATCH', `/v1/mailboxes/${anna.mailboxId}`, { body: { credentials: { password: 'hunter2' } } });
    await world.hub.operator('POST', `/v1/organizations/${company.id}/suspend`, { body: { reason: 'unpaid' } });
    await world.hub.operator('POST', `/v1/organizations/${company.id}/resume`, { body: {} });

    const [bySession] = await read(`?actor=${anna.userId}`);
    expect(bySession).toMatchObject({ action: 'mailbox.changed', actor: { type: 'session', userId: anna.userId } });
    expect(bySession.after).toEqual({ credentials: { password: { setAt: expect.any(String) } } });
    expect((await read('?actor=operator')).map(({ action }: { action: string }) => action)).toEqual([
      'organization.resumed',
      'organization.suspended',
      'apiKey.created',
      'organization.created',
    ]);
  });

  it('notes keys, sessions, profiles, mailboxes and what is done by hand', async () => {
    const { body: key } = await company.admin('POST', '/v1/api-keys', { body: { name: 'short', role: 'reader' } });
    await company.admin('DELETE', `/v1/api-keys/${key.id}`);
    await company.admin('PATCH', `/v1/server-profiles/${company.serverProfileId}`, { body: { name: 'Other' } });
    await company.admin('POST', `/v1/mailboxes/${anna.mailboxId}/disable`, { body: { workloads: ['incoming'] } });
    await anna.session('DELETE', '/v1/sessions/current');

    const found = new Set((await walkPages(company.admin, '/v1/audit-log')).map(({ action }) => action));
    expect([...found].sort()).toEqual(
      expect.arrayContaining([
        'apiKey.created',
        'apiKey.deleted',
        'mailbox.changed',
        'serverProfile.changed',
        'serverProfile.created',
        'session.created',
        'session.deleted',
      ]),
    );
    const [changed] = await read(`?subject=${company.serverProfileId}&action=serverProfile.changed`);
    expect([changed.before, changed.after]).toEqual([{ name: 'Servers' }, { name: 'Other' }]);
    expect((await read('?action=apiKey.*')).length).toBeGreaterThan(1);
  });

  it('notes what becomes of folder rules', async () => {
    const rule = await world.plantFolderRule(company.id, anna.mailboxId);
    await company.admin('DELETE', `/v1/mailboxes/${anna.mailboxId}/folder-rules/${rule}`);

    const [entry] = await read(`?subject=${anna.mailboxId}`);
    expect(entry).toMatchObject({ action: 'mailbox.changed', actor: { type: 'key' } });
    expect(entry.before.folderRules).toHaveLength(1);
    expect(entry.after.folderRules).toEqual([]);
  });

  it('notes what becomes of owners, of which the feed tells nothing', async () => {
    const { body: ben } = await company.crm('PUT', '/v1/users/ext:ben', { body: { fullName: 'Ben' } });
    await company.crm('PUT', '/v1/users/ext:ben', { body: { fullName: 'Ben' } });
    await company.crm('PATCH', `/v1/users/${ben.id}`, { body: { status: 'inactive' } });
    await company.crm('DELETE', `/v1/users/${ben.id}`);
    const { body: team } = await company.crm('PUT', '/v1/teams/ext:sales', { body: { name: 'Sales' } });
    await company.crm('PATCH', `/v1/teams/${team.id}`, { body: { memberIds: [anna.userId] } });
    const { body: queue } = await company.crm('POST', '/v1/queues', { body: { name: 'Support' } });

    const [deleted, changed, created, ...others] = await read(`?subject=${ben.id}`);
    expect(others).toEqual([]);
    expect(created).toMatchObject({
      action: 'user.created',
      before: null,
      after: { fullName: 'Ben', externalId: 'ben' },
    });
    expect(changed).toMatchObject({ action: 'user.changed', actor: { type: 'key' } });
    expect([changed.before, changed.after]).toEqual([{ status: 'active' }, { status: 'inactive' }]);
    expect(deleted).toMatchObject({ action: 'user.deleted', before: { status: 'inactive' }, after: null });
    const [joined, begun] = await read(`?subject=${team.id}`);
    expect([begun.action, joined.action, joined.after]).toEqual([
      'team.created',
      'team.changed',
      { memberIds: [anna.userId] },
    ]);
    expect(await read(`?subject=${queue.id}`)).toMatchObject([{ action: 'queue.created', after: { name: 'Support' } }]);
  });

  it('notes consumers and types of records, and nothing where nothing changed', async () => {
    for (const types of [['email.*'], ['email.*'], ['record.*']])
      await company.crm('PUT', '/v1/consumers/laptop-9', { body: { types } });
    await company.crm('DELETE', '/v1/consumers/laptop-9');
    for (const displayName of ['Project', 'Project', 'Projects'])
      await company.crm('PUT', '/v1/record-types/project', { body: { displayName } });

    expect(await read('?subject=laptop-9')).toMatchObject([
      { action: 'consumer.deleted', before: { types: ['record.*'] }, after: null },
      { action: 'consumer.changed', before: { types: ['email.*'] }, after: { types: ['record.*'] } },
      { action: 'consumer.created', before: null, after: { types: ['email.*'] } },
    ]);
    expect(await read('?subject=project')).toMatchObject([
      { action: 'recordType.changed', before: { displayName: 'Project' }, after: { displayName: 'Projects' } },
      { action: 'recordType.created', before: null, after: { displayName: 'Project' } },
    ]);
  });

  it('finds what was done in a time', async () => {
    const { data } = (await company.admin('GET', '/v1/audit-log')).body;
    const [last, , , first] = data;

    const found = await read(`?from=${first.at}&to=${last.at}`);
    expect(found.map(({ id }: { id: string }) => id)).toContain(first.id);
    expect(found.map(({ id }: { id: string }) => id)).not.toContain(last.id);
  });

  it('holds no secret, and cannot be changed', async () => {
    const told = JSON.stringify(await walkPages(company.admin, '/v1/audit-log'));

    for (const secret of ['hunter2', 'secret of ours', 'hash', 'secretSalt', 'sealed'])
      expect(told).not.toContain(secret);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect((await company.admin(method, '/v1/audit-log')).status).toBe(405);
  });
});
