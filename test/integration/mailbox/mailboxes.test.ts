import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { walkPages } from '../api-harness.ts';
import { createEventReader } from '../read-events.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

let api: TestApi;
let eventsOf: (call: ApiCall) => Promise<readonly FeedEvent[]>;
let organization: TestOrganization;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
  eventsOf = await createEventReader();
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
  call = organization.as('admin');
});

const profile = {
  name: 'Dovecot',
  kind: 'imapSmtp',
  incoming: { protocol: 'imap', host: '127.0.0.1', port: 993, security: 'tls' },
  outgoing: { protocol: 'smtp', host: '127.0.0.1', port: 465, security: 'tls' },
  credentials: { source: 'mailbox', authentication: 'password' },
};
const createProfile = async (): Promise<string> => (await call('POST', '/server-profiles', profile)).body.id;
const createUser = async (externalId = 'u-17', emailAddress: string | null = 'anna@contoso.example') =>
  (await call('PUT', `/users/ext:${externalId}`, { fullName: externalId, emailAddress })).body;
const createQueue = async (externalId = 'q-1', emailAddress: string | null = 'sales@contoso.example') =>
  (await call('PUT', `/queues/ext:${externalId}`, { name: externalId, emailAddress })).body;
const bothWorkloads = { incoming: { method: 'serverSideSync' }, outgoing: { method: 'serverSideSync' } };

describe('a mailbox', () => {
  it('comes with its user, in the form of the contract', async () => {
    const user = await createUser();

    const { status, headers, body } = await call('GET', `/mailboxes/${user.mailboxId}`);

    expect(status).toBe(200);
    expect(headers['etag']).toBe('"1"');
    const off = { method: 'none', state: 'off', lastTest: null, disabledBy: null, fault: null };
    expect(body).toEqual({
      id: user.mailboxId,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      kind: 'user',
      ownerId: user.id,
      emailAddress: 'anna@contoso.example',
      serverProfileId: null,
      approval: { status: 'pending', by: null, at: null },
      processEmailFrom: null,
      deleteAfterProcessing: false,
      credentials: { username: null, password: { isSet: false, setAt: null } },
      oauth: { status: 'notConnected', account: null, scopes: [], expiresAt: null },
      primaryOrganization: { status: 'unclaimed', claimedAt: null },
      workloads: { incoming: { ...off, mode: 'active' }, outgoing: off, act: { ...off, mode: 'active' } },
      synchronizingClient: null,
      retired: false,
    });
  });

  it('of a new owner has the profile and the methods that the settings say', async () => {
    const serverProfileId = await createProfile();
    await call('PATCH', '/settings', {
      newMailboxes: { serverProfileId, incoming: 'serverSideSync', outgoing: 'serverSideSync' },
    });

    const { mailboxId } = await createQueue();

    expect((await call('GET', `/mailboxes/${mailboxId}`)).body).toMatchObject({
      kind: 'queue',
      serverProfileId,
      workloads: { incoming: { state: 'notTested' }, outgoing: { state: 'notTested' }, act: { state: 'off' } },
    });
  });

  it('is changed by what a PATCH names; null takes a field back to its default', async () => {
    const { mailboxId } = await createQueue();
    const serverProfileId = await createProfile();

    const set = await call('PATCH', `/mailboxes/${mailboxId}`, {
      serverProfileId,
      processEmailFrom: '2026-11-20T13:00:00+01:00',
      credentials: { username: 'sales' },
      workloads: { ...bothWorkloads, incoming: { method: 'serverSideSync', mode: 'observe' } },
    });
    const reset = await call('PATCH', `/mailboxes/${mailboxId}`, {
      serverProfileId: null,
      processEmailFrom: null,
      credentials: null,
      workloads: { incoming: { method: null, mode: null } },
    });

    expect(set.body).toMatchObject({
      version: 2,
      serverProfileId,
      processEmailFrom: '2026-11-20T12:00:00.000Z',
      credentials: { username: 'sales' },
      workloads: { incoming: { method: 'serverSideSync', mode: 'observe', state: 'notTested' } },
    });
    expect(reset.body).toMatchObject({
      version: 3,
      serverProfileId: null,
      processEmailFrom: null,
      credentials: { username: null },
      workloads: { incoming: { method: 'none', mode: 'active', state: 'off' }, outgoing: { state: 'notTested' } },
    });
  });

  it('takes null in the place of a workload, or of all of them, for every default in it', async () => {
    const { mailboxId } = await createUser();
    const set = { workloads: { ...bothWorkloads, incoming: { method: 'serverSideSync', mode: 'observe' } } };
    await call('PATCH', `/mailboxes/${mailboxId}`, set);

    const one = await call('PATCH', `/mailboxes/${mailboxId}`, { workloads: { incoming: null } });
    await call('PATCH', `/mailboxes/${mailboxId}`, set);
    const all = await call('PATCH', `/mailboxes/${mailboxId}`, { workloads: null });
    const again = await call('PATCH', `/mailboxes/${mailboxId}`, { workloads: null });

    const off = { method: 'none', mode: 'active', state: 'off' };
    expect(one.body.workloads).toMatchObject({ incoming: off, outgoing: { state: 'notTested' } });
    expect(all.body.workloads).toMatchObject({ incoming: off, outgoing: { method: 'none', state: 'off' } });
    expect(again.body.version).toBe(all.body.version);
  });

  it('refuses what is not a field, or not one to be set, and every wrong value', async () => {
    const { mailboxId } = await createUser();

    const { status, body } = await call('PATCH', `/mailboxes/${mailboxId}`, {
      approval: { status: 'approved' },
      kind: 'queue',
      emailAddress: 'no address',
      processEmailFrom: 'yesterday',
      workloads: { incoming: { method: 'magic', state: 'enabled' }, outgoing: { mode: 'observe' } },
    });

    expect(status).toBe(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '#/approval',
      '#/emailAddress',
      '#/kind',
      '#/processEmailFrom',
      '#/workloads/incoming/method',
      '#/workloads/incoming/state',
      '#/workloads/outgoing/mode',
    ]);
  });

  it('does only what mailboxes of its kind and server can', async () => {
    const user = await createUser();
    const queue = await createQueue();

    for (const [mailboxId, patch] of [
      [user.mailboxId, { workloads: { act: { method: 'serverSideSync' } } }],
      [queue.mailboxId, { workloads: { act: { method: 'client' } } }],
    ] as const)
      expect(await call('PATCH', `/mailboxes/${mailboxId}`, patch)).toMatchObject({
        status: 409,
        body: { code: 'notSupported' },
      });
  });

  it("may delete processed mail where it is no user's", async () => {
    const { mailboxId: ofQueue } = await createQueue();
    const { mailboxId: ofUser } = await createUser();

    const queue = await call('PATCH', `/mailboxes/${ofQueue}`, { deleteAfterProcessing: true });
    const user = await call('PATCH', `/mailboxes/${ofUser}`, { deleteAfterProcessing: true });

    expect(queue.body).toMatchObject({ deleteAfterProcessing: true });
    expect(user).toMatchObject({ status: 409, body: { code: 'notSupported' } });
  });

  it('that others forward to is created by itself, is read and sends nothing', async () => {
    const serverProfileId = await createProfile();
    const input = {
      kind: 'forward',
      emailAddress: 'all@contoso.example',
      serverProfileId,
      credentials: { username: 'all', password: 's3cret' },
      deleteAfterProcessing: true,
    };

    const created = await call('POST', '/mailboxes', input);
    const again = await call('POST', '/mailboxes', input);
    const sending = await call('PATCH', `/mailboxes/${created.body.id}`, {
      workloads: { outgoing: { method: 'serverSideSync' } },
    });
    const ofNobody = await call('POST', '/mailboxes', { ...input, kind: 'user', emailAddress: 'b@contoso.example' });
    const byCrm = await organization.as('crm')('POST', '/mailboxes', { ...input, emailAddress: 'c@contoso.example' });

    expect(created).toMatchObject({
      status: 201,
      body: {
        kind: 'forward',
        ownerId: null,
        approval: { status: 'pending' },
        deleteAfterProcessing: true,
        workloads: { incoming: { method: 'serverSideSync', state: 'notTested' }, outgoing: { state: 'off' } },
      },
    });
    expect(again).toMatchObject({ status: 409, body: { code: 'mailboxAlreadyMapped' } });
    expect(sending).toMatchObject({ status: 409, body: { code: 'notSupported' } });
    expect(ofNobody).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/kind' }] } });
    expect(byCrm.status).toBe(403);
  });

  it('keeps its version when a PATCH changes nothing, and tells the feed nothing', async () => {
    const { mailboxId } = await createUser();
    const patch = {
      emailAddress: 'anna@contoso.example',
      credentials: { username: 'anna', password: 'S3cret-word' },
      workloads: bothWorkloads,
    };
    await call('PATCH', `/mailboxes/${mailboxId}`, patch);
    const before = await eventsOf(call);

    const again = await call('PATCH', `/mailboxes/${mailboxId}`, patch);
    const empty = await call('PATCH', `/mailboxes/${mailboxId}`, {});

    for (const answer of [again, empty]) expect(answer).toMatchObject({ status: 200, body: { version: 2 } });
    expect(await eventsOf(call)).toEqual(before);
  });

  it('tells the feed what changed, without what is secret', async () => {
    const { mailboxId } = await createUser();
    await call('PATCH', `/mailboxes/${mailboxId}`, {
      credentials: { username: 'anna', password: 'S3cret-word' },
      workloads: { incoming: { method: 'serverSideSync' } },
    });
    await call('POST', `/mailboxes/${mailboxId}/approve`);

    const events = (await eventsOf(call)).filter(({ type }) => type.startsWith('mailbox.'));

    expect(events.map(({ type, version, origin }) => [type, version, origin])).toEqual([
      ['mailbox.updated', 1, 'crm'],
      ['mailbox.updated', 2, 'crm'],
      ['mailbox.stateChanged', 2, 'crm'],
      ['mailbox.stateChanged', 3, 'crm'],
    ]);
    expect(events[1]?.changedFields).toEqual(['credentials', 'workloads.incoming.method']);
    expect(events[3]?.data).toEqual((await call('GET', `/mailboxes/${mailboxId}`)).body);
    expect(JSON.stringify([events, api.log, await api.allRecords()])).not.toContain('S3cret-word');
  });

  it('is changed only in the version that If-Match names', async () => {
    const { mailboxId } = await createUser();
    const path = `/mailboxes/${mailboxId}`;
    await call('PATCH', path, { credentials: { username: 'anna' } }, { 'if-match': '"1"' });
    const stale = { 'if-match': '"1"' };

    for (const refused of [
      await call('PATCH', path, { credentials: { username: 'ben' } }, stale),
      await call('POST', `${path}/approve`, {}, stale),
      await call('POST', `${path}/reject`, {}, stale),
      await call('POST', `${path}/test-and-enable`, {}, stale),
      await call('POST', `${path}/enable`, { workloads: ['incoming'] }, stale),
      await call('POST', `${path}/disable`, { workloads: ['incoming'] }, stale),
      await call('POST', `${path}/sync`, {}, stale),
    ])
      expect(refused).toMatchObject({ status: 412, body: { code: 'versionMismatch' } });
    expect((await call('GET', path)).body).toMatchObject({ version: 2, credentials: { username: 'anna' } });
  });

  it('keeps the changes of all who change different fields at once', async () => {
    const { mailboxId } = await createQueue();
    const serverProfileId = await createProfile();
    const patches = [
      { serverProfileId },
      { processEmailFrom: '2026-11-20T12:00:00.000Z' },
      { credentials: { username: 'sales' } },
      { workloads: { incoming: { mode: 'observe' } } },
      { workloads: { outgoing: { method: 'client' } } },
    ];

    const answers = await Promise.all(patches.map((patch) => call('PATCH', `/mailboxes/${mailboxId}`, patch)));

    expect(answers.map(({ status }) => status)).toEqual(patches.map(() => 200));
    const { body } = await call('GET', `/mailboxes/${mailboxId}`);
    expect(body.version).toBe(1 + patches.length);
    for (const patch of patches) expect(body).toMatchObject(patch);
  });

  it('has one address with its owner: changing either changes both', async () => {
    const { id, mailboxId } = await createUser();

    await call('PATCH', `/mailboxes/${mailboxId}`, { emailAddress: 'anna.new@contoso.example' });
    const owner = (await call('GET', `/users/${id}`)).body;
    await call('PATCH', `/users/${id}`, { emailAddress: 'Anna@contoso.example' });
    const mailbox = (await call('GET', `/mailboxes/${mailboxId}`)).body;

    expect(owner).toMatchObject({ emailAddress: 'anna.new@contoso.example', version: 2 });
    expect(mailbox).toMatchObject({ emailAddress: 'Anna@contoso.example', version: 3 });
  });

  it('knows no other form of addressing than its id', async () => {
    await createUser();

    for (const path of ['ext:u-17', `mbx_${'0'.repeat(26)}`, `usr_${'0'.repeat(26)}`, 'bulk-work'])
      expect(await call('GET', `/mailboxes/${path}`)).toMatchObject({ status: 404, body: { code: 'notFound' } });
  });

  it('lacks what this deployment does not offer yet', async () => {
    const { mailboxId } = await createUser();
    const path = `/mailboxes/${mailboxId}`;

    expect((await call('POST', `${path}/release-primary-organization`, {})).status).toBe(404);
    expect((await call('DELETE', path)).status).toBe(405);
  });
});

describe('the list of mailboxes', () => {
  const idsOf = async (query: string): Promise<readonly unknown[]> => {
    const client = (method: string, path: string) => call(method, path.replace('/v1', ''));
    return (await walkPages(client, `/v1/mailboxes${query}`)).map(({ id }) => id);
  };

  it('is narrowed by every filter', async () => {
    const serverProfileId = await createProfile();
    const anna = await createUser();
    const ben = await createUser('u-18', 'ben@contoso.example');
    const nobody = await createUser('u-19', null);
    const sales = await createQueue();
    await call('PATCH', `/mailboxes/${ben.mailboxId}`, { serverProfileId, workloads: bothWorkloads });
    await call('PATCH', `/mailboxes/${sales.mailboxId}`, { serverProfileId });
    await call('POST', `/mailboxes/${sales.mailboxId}/approve`);

    expect(await idsOf('')).toEqual([sales, nobody, ben, anna].map(({ mailboxId }) => mailboxId));
    expect(await idsOf(`?ownerId=${ben.id}`)).toEqual([ben.mailboxId]);
    expect(await idsOf('?ownerId=ext:u-17')).toEqual([anna.mailboxId]);
    expect(await idsOf('?ownerId=ext:q-1')).toEqual([sales.mailboxId]);
    expect(await idsOf('?ownerId=ext:u-99')).toEqual([]);
    expect(await idsOf('?ownerId=ext:u-17&kind=queue')).toEqual([]);
    expect(await idsOf('?kind=queue')).toEqual([sales.mailboxId]);
    expect(await idsOf(`?serverProfileId=${serverProfileId}`)).toEqual([sales.mailboxId, ben.mailboxId]);
    expect(await idsOf('?approval=approved')).toEqual([sales.mailboxId]);
    expect(await idsOf('?approval=empty')).toEqual([nobody.mailboxId]);
    expect(await idsOf('?workload=incoming')).toEqual([ben.mailboxId]);
    expect(await idsOf('?workload=outgoing&state=notTested')).toEqual([ben.mailboxId]);
    expect(await idsOf('?state=notTested')).toEqual([ben.mailboxId]);
    expect(await idsOf('?health=off')).toHaveLength(4);
    expect(await idsOf('?health=ok')).toEqual([]);
  });

  it('refuses filters that it does not know, and values that there are not', async () => {
    for (const query of ['?colour=red', '?state=asleep', '?health=fine', '?limit=0', '?limit=201'])
      expect((await call('GET', `/mailboxes${query}`)).status).toBe(400);
  });

  it('leaves out the mailboxes of owners that were deleted; they can still be read', async () => {
    const { id, mailboxId } = await createUser();

    await call('DELETE', `/users/${id}`);

    expect(await idsOf('')).toEqual([]);
    expect((await call('GET', `/mailboxes/${mailboxId}`)).body).toMatchObject({
      retired: true,
      emailAddress: null,
      workloads: { incoming: { state: 'off' } },
    });
    expect((await call('PATCH', `/mailboxes/${mailboxId}`, { serverProfileId: null })).body.code).toBe('invalidState');
    const { mailboxId: another } = await createUser('u-20');
    expect((await call('GET', `/mailboxes/${another}`)).body.emailAddress).toBe('anna@contoso.example');
  });
});

describe('roles', () => {
  it('let a reader read and no more', async () => {
    const { mailboxId } = await createUser();
    const reader = organization.as('reader');
    const path = `/mailboxes/${mailboxId}`;

    for (const readable of ['/mailboxes', path, `${path}/schedule`])
      expect((await reader('GET', readable)).status).toBe(200);
    for (const [method, target, body] of [
      ['PATCH', path, {}],
      ['POST', `${path}/approve`, {}],
      ['POST', `${path}/test-and-enable`, {}],
      ['POST', `${path}/enable`, { workloads: ['incoming'] }],
      ['POST', `${path}/sync`, {}],
      ['POST', '/mailboxes/bulk', { select: { kind: 'user' }, action: 'sync' }],
    ] as const)
      expect(await reader(method, target, body)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('keep credentials and approvals from a CRM', async () => {
    const { mailboxId } = await createUser();
    const crm = organization.as('crm');
    const path = `/mailboxes/${mailboxId}`;

    for (const refused of [
      await crm('PATCH', path, { credentials: { username: 'anna', password: 'S3cret-word' } }),
      await crm('PATCH', path, { credentials: null }),
      await crm('POST', `${path}/approve`),
      await crm('POST', `${path}/reject`),
      await crm('POST', '/mailboxes/bulk', { select: { kind: 'user' }, action: 'approve' }),
    ])
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await crm('PATCH', path, { workloads: bothWorkloads })).status).toBe(200);
    expect((await crm('POST', `${path}/test-and-enable`)).body.code).toBe('approvalRequired');
  });
});

describe('two organizations', () => {
  it('with the same externalIds and addresses never see each other', async () => {
    const other = await api.createOrganization();
    const theirs = other.as('admin');
    const profileId = await createProfile();
    const mine = await createUser();
    const foreign = (await theirs('PUT', '/users/ext:u-17', { fullName: 'Else', emailAddress: 'anna@contoso.example' }))
      .body;

    expect(foreign.mailboxId).not.toBe(mine.mailboxId);
    expect((await theirs('GET', '/mailboxes')).body.data).toMatchObject([{ id: foreign.mailboxId }]);
    expect((await theirs('GET', `/mailboxes?ownerId=${mine.id}`)).body.data).toEqual([]);
    const unknown = `mbx_${'0'.repeat(26)}`;
    for (const [method, suffix, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { processEmailFrom: null }],
      ['POST', '/approve', {}],
      ['POST', '/reject', {}],
      ['POST', '/test-and-enable', {}],
      ['POST', '/enable', { workloads: ['incoming'] }],
      ['POST', '/disable', { workloads: ['incoming'] }],
      ['POST', '/sync', {}],
      ['GET', '/schedule', undefined],
      ['GET', '/folders', undefined],
    ] as const) {
      const answer = await theirs(method, `/mailboxes/${mine.mailboxId}${suffix}`, body);
      const missing = await theirs(method, `/mailboxes/${unknown}${suffix}`, body);
      expect(answer.status).toBe(404);
      expect({ ...answer.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    }
    expect(await theirs('PATCH', `/mailboxes/${foreign.mailboxId}`, { serverProfileId: profileId })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '#/serverProfileId', code: 'notFound' }] },
    });
    const events = await eventsOf(theirs);
    expect(JSON.stringify(events)).not.toContain(mine.mailboxId);
  });
});
