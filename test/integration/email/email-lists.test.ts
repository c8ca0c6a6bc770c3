import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { walkPages } from '../api-harness.ts';
import { type EmailApi, type EmailOrganization, startEmailApi } from './email-api.ts';
import { storeIncomingEmail } from './stored-email.ts';

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
});

const store = (fields: Parameters<typeof storeIncomingEmail>[2] = {}) =>
  storeIncomingEmail(emails.api.services, organization, fields);

const idsOf = async (query: string): Promise<readonly string[]> => {
  const { status, body } = await call('GET', `/emails${query}`);
  if (status !== 200) throw new Error(`${query} answered ${status}: ${JSON.stringify(body)}`);
  return body.data.map(({ id }: { id: string }) => id);
};

describe('the list of emails', () => {
  it('is narrowed by each filter, and by several at once', async () => {
    const carl = await organization.contact('carl', 'carl@client.example');
    const lead = await call('PUT', '/records/lead/ext:l-1', { displayName: 'Chairs' });
    const { body: ben } = await call('PUT', '/users/ext:ben', { fullName: 'Ben', emailAddress: 'ben@x.example' });
    const draft = await organization.draft({
      to: [{ record: { type: 'contact', id: 'ext:carl' } }],
      regarding: { type: 'lead', id: 'ext:l-1' },
    });
    const question = await store({
      messageId: '<q@client.example>',
      from: { address: 'Carl@Client.example', records: [] },
    });
    const foreign = await store({
      from: { address: 'eve@x.example', records: [] },
      ownerId: ben.id,
      mailboxId: ben.mailboxId,
      conversationId: question.id,
    });

    const found = {
      all: await idsOf(''),
      direction: await idsOf('?direction=outgoing'),
      status: await idsOf('?status=received'),
      mailbox: await idsOf(`?mailboxId=${ben.mailboxId}`),
      owner: await idsOf('?ownerId=ext:ben'),
      regarding: await idsOf(`?regarding=${lead.body.id}`),
      regardingTyped: await idsOf('?regarding=lead/ext:l-1'),
      conversation: await idsOf(`?conversationId=${question.id}`),
      message: await idsOf(`?messageId=${encodeURIComponent('<q@client.example>')}`),
      bareMessage: await idsOf('?messageId=q@client.example'),
      participant: await idsOf('?participant=CARL@client.example'),
      participantRecord: await idsOf(`?participant=${carl}`),
      several: await idsOf(`?conversationId=${question.id}&ownerId=${ben.id}&status=received`),
      none: await idsOf('?ownerId=ext:nobody'),
      noRegarding: await idsOf('?regarding=lead/ext:nothing'),
    };

    expect(found).toEqual({
      all: [foreign.id, question.id, draft.id],
      direction: [draft.id],
      status: [foreign.id, question.id],
      mailbox: [foreign.id],
      owner: [foreign.id],
      regarding: [draft.id],
      regardingTyped: [draft.id],
      conversation: [foreign.id, question.id],
      message: [question.id],
      bareMessage: [question.id],
      participant: [question.id, draft.id],
      participantRecord: [draft.id],
      several: [foreign.id],
      none: [],
      noRegarding: [],
    });
  });

  it('is narrowed to when mail was received, from an instant and before one', async () => {
    const at = (day: number) => `2026-11-0${day}T12:00:00.000Z`;
    const days = [];
    for (const day of [1, 2, 3, 4]) days.push((await store({ receivedAt: at(day) })).id);
    await organization.draft();

    expect(await idsOf(`?receivedFrom=${at(2)}&receivedTo=${at(4)}`)).toEqual([days[2], days[1]]);
    expect(await idsOf(`?receivedFrom=${at(4)}`)).toEqual([days[3]]);
    expect(await idsOf(`?receivedTo=${at(2)}`)).toEqual([days[0]]);
  });

  it('is walked page by page, each email once, with a cursor that is bound to the filters', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await store()).id);
    const first = await call('GET', '/emails?direction=incoming&limit=2');

    const walked = await walkPages((method, path) => call(method, path), '/emails?direction=incoming');
    const other = await call('GET', `/emails?status=received&cursor=${first.body.nextCursor}`);

    expect(walked.map(({ id }) => id)).toEqual(ids.toSorted().reverse());
    expect(other).toMatchObject({ status: 400, body: { errors: [{ code: 'invalidCursor' }] } });
  });

  it('shows bodies unless only summaries are asked for', async () => {
    await store({ body: { text: 'How much?' } });

    expect((await call('GET', '/emails')).body.data[0].body).toEqual({ text: 'How much?' });
    expect((await call('GET', '/emails?fields=summary')).body.data[0]).not.toHaveProperty('body');
  });

  it.each([
    ['?status=lost', '#/query/status'],
    ['?regarding=ext:l-1', '#/query/regarding'],
    ['?receivedFrom=yesterday', '#/query/receivedFrom'],
    ['?subject=x', '#/query/subject'],
  ])('refuses %s', async (query, pointer) => {
    const { status, body } = await call('GET', `/emails${query}`);

    expect({ status, pointer: body.errors[0].pointer }).toEqual({ status: 400, pointer });
  });
});

describe('binding', () => {
  it('is done by setting an externalId on what the hub found, once', async () => {
    const found = await store();
    const sentByHand = await store({ direction: 'outgoing', status: 'sent', receivedAt: null });
    await organization.draft();
    const bound = await organization.draft({ externalId: 'e-1' });

    const before = await idsOf('?bound=false');
    const taken = await call('PATCH', `/emails/${found.id}`, { externalId: 'e-1' });
    const set = await call('PATCH', `/emails/${found.id}`, { externalId: 'e-2' });
    const again = await call('PATCH', `/emails/${found.id}`, { externalId: 'e-2' });

    expect(before).toEqual([sentByHand.id, found.id]);
    expect(taken).toMatchObject({ status: 409, body: { code: 'externalIdTaken' } });
    expect(set).toMatchObject({ status: 200, body: { externalId: 'e-2', version: 2 } });
    expect(again.body.version).toBe(2);
    expect(await idsOf('?bound=false')).toEqual([sentByHand.id]);
    expect(await idsOf('?bound=true')).toEqual([bound.id, found.id]);
    expect((await call('GET', '/emails/ext:e-2')).body.id).toBe(found.id);
  });
});
