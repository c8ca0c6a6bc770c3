import { beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { HubAnswer, HubClient, JsonObject } from '../support/hub-client.ts';
import { deliverMessage, findMailUser, waitForMessage } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

type Identified = { readonly id: string };
type Email = Identified & { readonly messageId: string; readonly subject: string };

/** An organization with one of everything, all under the same externalIds as its twin. */
type Tenant = {
  readonly name: string;
  readonly hub: HubClient;
  readonly cursor: string;
  readonly ids: Readonly<
    Record<
      'profile' | 'user' | 'queue' | 'team' | 'mailbox' | 'contact' | 'email' | 'attachment' | 'operation' | 'decision',
      string
    >
  >;
};

const cloud = inject('localCloud');
const address = 'user28@example.test';
const sharedMessageId = '<to-both-organizations@client.example>';

const fill = async (name: string): Promise<Tenant> => {
  const { hub } = await createOrganization(cloud, { name, kind: 'sandbox' });
  const { cursor } = await hub.get<{ readonly cursor: string }>('/feed/head');
  const profile = await createServerProfile(hub, cloud.mail);
  // One mailbox, one address, one login: of two organizations that know nothing of each other.
  const { mailboxId, userId } = await enableMailbox(hub, {
    serverProfileId: profile,
    mailUser: findMailUser(cloud.mail, address),
    externalId: 'u-1',
  });
  const queue = await hub.put<Identified>('/queues/ext:q-1', { name: `Sales of ${name}` });
  const team = await hub.put<Identified>('/teams/ext:t-1', { name: `Team of ${name}`, memberIds: ['ext:u-1'] });
  const contact = await hub.put<Identified>('/records/contact/ext:c-1', {
    displayName: `Carl of ${name}`,
    emails: [{ address: 'carl@client.example', primary: true }],
  });
  const email = await hub.post<Identified>('/emails', {
    externalId: 'e-1',
    from: { owner: 'ext:u-1' },
    to: [{ record: { type: 'contact', id: 'ext:c-1' } }],
    subject: `Offer of ${name}`,
    body: { text: 'Hello' },
  });
  const attachment = await hub.post<Identified>(`/emails/${email.id}/attachments`, {
    fileName: 'a.txt',
    contentType: 'text/plain',
    contentBase64: Buffer.from(name).toString('base64'),
  });
  const [operation] = (await hub.get<{ readonly data: readonly Identified[] }>('/operations?limit=1')).data;
  if (operation === undefined) throw new Error('There is no operation');
  // Its first cycle, which nobody waits for, finds the message by which the mailbox was tested.
  const decision = await eventually(
    async () => (await hub.get<{ readonly data: readonly Identified[] }>('/decisions?limit=1')).data[0],
    { what: `the first decision of ${name}`, seconds: 120 },
  );
  return {
    name,
    hub,
    cursor,
    ids: {
      profile,
      user: userId,
      queue: queue.id,
      team: team.id,
      mailbox: mailboxId,
      contact: contact.id,
      email: email.id,
      attachment: attachment.id,
      operation: operation.id,
      decision: decision.id,
    },
  };
};

let one: Tenant;
let other: Tenant;

const synchronize = async ({ hub, ids }: Tenant): Promise<void> => {
  const { id } = await hub.post<Identified>(`/mailboxes/${ids.mailbox}/sync`, { workloads: ['incoming'] });
  await hub.waitForOperation(id);
};

beforeAll(async () => {
  one = await fill('Contoso');
  other = await fill('Fabrikam');
  await deliverMessage(cloud.mail, {
    from: 'carl@client.example',
    to: address,
    subject: 'To both',
    messageId: sharedMessageId,
    text: 'Hello',
  });
  await waitForMessage(cloud.mail, findMailUser(cloud.mail, address), sharedMessageId);
  await Promise.all([synchronize(one), synchronize(other)]);
});

const idOfKind = (id: string): string => `${id.slice(0, 4)}${'0'.repeat(id.length - 4)}`;

type Request = readonly [method: string, path: string, body?: JsonObject];

/** Every request that takes an id of something that an organization owns. */
const requestsWith = (ids: Tenant['ids'], own: Tenant['ids']): readonly Request[] => [
  ['GET', `/server-profiles/${ids.profile}`],
  ['PATCH', `/server-profiles/${ids.profile}`, { name: 'Mine' }],
  ['POST', `/server-profiles/${ids.profile}/test`],
  ['GET', `/server-profiles/${ids.profile}/health`],
  ['DELETE', `/server-profiles/${ids.profile}`],
  ...(['user', 'queue', 'team'] as const).flatMap((kind): readonly Request[] => [
    ['GET', `/${kind}s/${ids[kind]}`],
    ['PATCH', `/${kind}s/${ids[kind]}`, {}],
    ['DELETE', `/${kind}s/${ids[kind]}`],
  ]),
  ['GET', `/mailboxes/${ids.mailbox}`],
  ['PATCH', `/mailboxes/${ids.mailbox}`, {}],
  ['POST', `/mailboxes/${ids.mailbox}/approve`],
  ['POST', `/mailboxes/${ids.mailbox}/reject`],
  ['POST', `/mailboxes/${ids.mailbox}/test-and-enable`, {}],
  ['POST', `/mailboxes/${ids.mailbox}/enable`, { workloads: ['incoming'] }],
  ['POST', `/mailboxes/${ids.mailbox}/disable`, { workloads: ['incoming'] }],
  ['POST', `/mailboxes/${ids.mailbox}/sync`, {}],
  ['GET', `/mailboxes/${ids.mailbox}/schedule`],
  ['GET', `/mailboxes/${ids.mailbox}/folders`],
  ['GET', `/records/contact/${ids.contact}`],
  ['PATCH', `/records/contact/${ids.contact}`, { displayName: 'Mine' }],
  ['DELETE', `/records/contact/${ids.contact}`],
  ['GET', `/emails/${ids.email}`],
  ['PATCH', `/emails/${ids.email}`, { subject: 'Mine' }],
  ['POST', `/emails/${ids.email}/send`, {}],
  ['POST', `/emails/${ids.email}/cancel`],
  ['POST', `/emails/${ids.email}/retry`, {}],
  ['POST', `/emails/${ids.email}/mark-sent`],
  ['POST', `/emails/${ids.email}/untrack`],
  ['GET', `/emails/${ids.email}/raw`],
  ['GET', `/emails/${ids.email}/attachments`],
  ['GET', `/emails/${ids.email}/attachments/${ids.attachment}/content`],
  ['GET', `/emails/${own.email}/attachments/${ids.attachment}/content`],
  ['DELETE', `/emails/${own.email}/attachments/${ids.attachment}`],
  ['DELETE', `/emails/${ids.email}`],
  ['GET', `/operations/${ids.operation}`],
  ['GET', `/operations/${ids.operation}/items`],
  ['POST', `/operations/${ids.operation}/cancel`],
  ['GET', `/decisions/${ids.decision}`],
  // Named in a body.
  ['PATCH', `/mailboxes/${own.mailbox}`, { serverProfileId: ids.profile }],
  ['PATCH', '/records/contact/ext:c-1', { ownerId: ids.user }],
  ['PUT', '/queues/ext:q-2', { name: 'New', memberIds: [ids.user] }],
  ['PATCH', '/emails/ext:e-1', { regarding: { type: 'contact', id: ids.contact } }],
  ['POST', '/emails', { from: { owner: ids.user }, to: [{ address: 'carl@client.example' }], subject: 'Mine' }],
  ['POST', '/emails', { from: { owner: 'ext:u-1' }, to: [{ record: { type: 'contact', id: ids.contact } }] }],
  ['POST', '/emails', { from: { owner: 'ext:u-1' }, inReplyTo: ids.email, subject: 'Mine' }],
];

/** What a caller can see of an answer, without what differs from request to request by design. */
const visible = ({ status, headers, body }: HubAnswer, id: string) => ({
  status,
  headers: Object.fromEntries(
    [...headers].filter(([name]) => !['date', 'request-id', 'apigw-requestid'].includes(name)),
  ),
  body: JSON.stringify(body ?? null)
    .replaceAll(id, '<id>')
    .replaceAll(/urn:request:req_\w+/g, '<request>'),
});

describe('two organizations with the same externalIds', () => {
  it('each see their own by these externalIds', async () => {
    for (const { hub, name, ids } of [one, other]) {
      expect(await hub.get('/users/ext:u-1')).toMatchObject({ id: ids.user, mailboxId: ids.mailbox });
      expect(await hub.get('/queues/ext:q-1')).toMatchObject({ id: ids.queue, name: `Sales of ${name}` });
      expect(await hub.get('/teams/ext:t-1')).toMatchObject({ id: ids.team, memberIds: [ids.user] });
      expect(await hub.get('/records/contact/ext:c-1')).toMatchObject({ id: ids.contact });
      expect(await hub.get('/emails/ext:e-1')).toMatchObject({ id: ids.email, subject: `Offer of ${name}` });
    }
  });

  it.each([
    'server-profiles',
    'users',
    'queues',
    'teams',
    'mailboxes',
    'records/contact',
    'emails',
    'decisions',
    'operations',
    'api-keys',
  ])('list nothing of each other in /%s', async (list) => {
    const [mine, theirs] = await Promise.all([one, other].map(({ hub }) => readWholeList<Identified>(hub, `/${list}`)));
    const seenByBoth = mine?.filter(({ id }) => theirs?.some((their) => their.id === id));
    expect(mine?.length).toBeGreaterThan(0);
    expect(seenByBoth).toEqual([]);
  });

  it('each track a message that comes to the mailbox of both, as their own', async () => {
    const emails = await Promise.all(
      [one, other].map(async ({ hub }) => {
        const { events } = await hub.followFeed<Email>({
          cursor: '0',
          types: 'email.tracked',
          until: (found) => found.some(({ data }) => data.messageId === sharedMessageId),
          what: 'email.tracked',
        });
        return events.filter(({ data }) => data.messageId === sharedMessageId).map(({ data }) => data);
      }),
    );
    expect(emails.map((found) => found.length)).toEqual([1, 1]);
    expect(emails[0]?.[0]?.id).not.toBe(emails[1]?.[0]?.id);
    expect(JSON.stringify(emails[0])).toContain(one.ids.contact);
    expect(JSON.stringify(emails[1])).toContain(other.ids.contact);
  });

  it('each have a feed of their own, counted from 1 without a gap, that names nothing of the other', async () => {
    for (const [tenant, stranger] of [
      [one, other],
      [other, one],
    ] as const) {
      const { sequence } = await tenant.hub.get<{ readonly sequence: number }>('/feed/head');
      const { events } = await tenant.hub.followFeed({
        cursor: '0',
        until: (found) => (found.at(-1)?.sequence ?? 0) >= sequence,
        what: 'the whole feed',
      });
      expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
      const told = JSON.stringify(events);
      for (const id of Object.values(stranger.ids)) expect(told).not.toContain(id);
      expect(told).not.toContain(stranger.name);
    }
  });

  it('get for an id of the other, byte for byte, the answer for one that never was', async () => {
    for (const [tenant, stranger] of [
      [one, other],
      [other, one],
    ] as const) {
      const unknown = Object.fromEntries(
        Object.entries(stranger.ids).map(([kind, id]) => [kind, idOfKind(id)]),
      ) as Tenant['ids'];
      const foreign = requestsWith(stranger.ids, tenant.ids);
      const absent = requestsWith(unknown, tenant.ids);
      for (const [index, [method, path, body]] of foreign.entries()) {
        const [, absentPath = '', absentBody] = absent[index] ?? [];
        const text = `${path} ${JSON.stringify(body)}`;
        const id = Object.values(stranger.ids).find((one) => text.includes(one)) ?? '';
        const toForeign = visible(await tenant.hub.request(method, path, body), id);
        const toAbsent = visible(await tenant.hub.request(method, absentPath, absentBody), idOfKind(id));
        expect({ method, path, ...toForeign }).toEqual({ method, path, ...toAbsent });
        // Never the success that its owner would have.
        expect([400, 404]).toContain(toForeign.status);
      }
    }
  });

  it('reach nothing of the other by bulk work', async () => {
    const outcomesFor = async (mailboxId: string): Promise<string> => {
      const bulk = { select: { mailboxIds: [mailboxId] }, action: 'disable', arguments: { workloads: ['incoming'] } };
      const { id } = await one.hub.post<Identified>('/mailboxes/bulk', bulk);
      const { status, result } = await one.hub.waitForOperation(id);
      const items = await readWholeList<JsonObject>(one.hub, `/operations/${id}/items`);
      return JSON.stringify({ status, result, items }).replaceAll(mailboxId, '<id>').replaceAll(id, '<operation>');
    };
    const [foreign, absent] = [await outcomesFor(other.ids.mailbox), await outcomesFor(idOfKind(other.ids.mailbox))];
    expect(foreign).toBe(absent);
  });

  it('find nothing of the other by filters that name it', async () => {
    const { hub } = one;
    for (const path of [
      `/mailboxes?ownerId=${other.ids.user}`,
      `/mailboxes?serverProfileId=${other.ids.profile}`,
      `/emails?mailboxId=${other.ids.mailbox}`,
      `/emails?ownerId=${other.ids.user}`,
      `/emails?participant=${other.ids.contact}`,
      `/decisions?mailboxId=${other.ids.mailbox}`,
    ]) {
      const answer = await hub.request('GET', path);
      const absent = await hub.request(
        'GET',
        path.replace(/=(.*)$/, (_, id: string) => `=${idOfKind(id)}`),
      );
      expect({ path, status: answer.status }).toEqual({ path, status: absent.status });
      if (answer.status === 200) expect(answer.body).toMatchObject({ data: [] });
    }
  });

  it('leave all of it untouched by these attempts', async () => {
    for (const { hub, name, ids } of [one, other]) {
      expect(await hub.get(`/mailboxes/${ids.mailbox}`)).toMatchObject({
        approval: { status: 'approved' },
        workloads: { incoming: { state: 'enabled' }, outgoing: { state: 'enabled' } },
      });
      expect(await hub.get(`/emails/${ids.email}`)).toMatchObject({ status: 'draft', subject: `Offer of ${name}` });
      expect(await hub.get(`/records/contact/${ids.contact}`)).toMatchObject({ displayName: `Carl of ${name}` });
    }
  });
});
