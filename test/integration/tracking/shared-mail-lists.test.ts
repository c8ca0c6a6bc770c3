import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { recordDuplicate } from '../../../shared/tracking/record-duplicate.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { type Client, walkPages } from '../api-harness.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;
let organization: IncomingOrganization;
let anna: { readonly id: string; readonly mailboxId: string };
let ben: { readonly id: string; readonly mailboxId: string };

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

const nextUser = () => {
  users += 1;
  return world.mailUser(users);
};

beforeEach(async () => {
  organization = await world.createOrganization();
  anna = await organization.user(nextUser());
  ben = await organization.user(nextUser());
  for (const { mailboxId } of [anna, ben]) await organization.synchronize(mailboxId);
});

const signIn = async ({ id }: { readonly id: string }): Promise<Client> => {
  const { body } = await organization.call('POST', '/sessions', { userId: id });
  return world.api.client(body.token);
};

const admin: Client = (method, path, options) => organization.call(method, path.replace('/v1', ''), options?.body);

const subjectsOf = async (client: Client, query = ''): Promise<unknown[]> =>
  (await walkPages(client, `/v1/emails${query}`)).map(({ subject }) => subject);

const addressOf = async ({ id }: { readonly id: string }): Promise<string> =>
  (await organization.call('GET', `/users/${id}`)).body.emailAddress;

/** Puts a message into the mailboxes of these users, whose runs find it in this order. */
const receive = async (subject: string, ...readers: readonly (typeof anna)[]): Promise<void> => {
  const addresses = await Promise.all(readers.map(addressOf));
  const raw = compose({ Subject: subject, To: addresses.join(', ') });
  for (const address of addresses) {
    const user = world.servers.environment.users.find((one) => one.address === address);
    if (user === undefined) throw new Error(`There is no mail user ${address}`);
    await appendMessage(world.servers.environment, user, raw);
  }
  for (const { mailboxId } of readers) await organization.synchronize(mailboxId);
};

const listings = async () =>
  (await world.api.services.store.table.query({ pk: partition(organization.id, 'emailListing') })).items;

describe('mail that another mailbox found first', () => {
  it('stands in the list of each mailbox that received it, in the order of all the others', async () => {
    await receive('1 both, Anna first', anna, ben);
    await receive('2 Ben alone', ben);
    await receive('3 both, Ben first', ben, anna);
    await receive('4 Anna alone', anna);
    await receive('5 both, Anna first', anna, ben);

    // The server knows seconds only, so what came within one stands in any order.
    const newestFirst = (await organization.emails()).map(({ subject }) => subject).reverse();
    const ofBen = newestFirst.filter((subject) => !subject.includes('Anna alone'));
    const ofAnna = newestFirst.filter((subject) => !subject.includes('Ben alone'));
    expect(newestFirst).toHaveLength(5);
    expect(await subjectsOf(await signIn(ben))).toEqual(ofBen);
    expect(await subjectsOf(await signIn(ben), `?mailboxId=${ben.mailboxId}`)).toEqual(ofBen);
    expect(await subjectsOf(admin, `?mailboxId=${ben.mailboxId}`)).toEqual(ofBen);
    expect(await subjectsOf(await signIn(anna))).toEqual(ofAnna);
    expect(await subjectsOf(admin, `?mailboxId=${anna.mailboxId}&direction=incoming`)).toEqual(ofAnna);
    expect(await subjectsOf(await signIn(ben), `?mailboxId=${anna.mailboxId}`)).toEqual(
      ofAnna.filter((subject) => ofBen.includes(subject)),
    );
  });

  it('costs nothing where one mailbox has it, and one item for each further one', async () => {
    await receive('Ben alone', ben);
    const before = await listings();
    await receive('both', anna, ben);
    await organization.synchronize(ben.mailboxId);

    expect(before).toEqual([]);
    expect(await listings()).toHaveLength(1);
  });

  it('is listed after all where a run died between its writes', async () => {
    await receive('both', anna);
    const { store, now } = world.api.services;
    const [email] = await organization.emails();
    const found = await store.get(organizationKind, organization.id, organization.id);
    if (email === undefined || found === undefined) throw new Error('Nothing was received');
    const write: typeof store.table.write = async (writes) => {
      if (writes.some((one) => 'put' in one && one.put['kind'] === 'email')) throw new Error('The run died');
      return store.table.write(writes);
    };
    const author = { origin: 'system', actor: { type: 'mailbox', id: ben.mailboxId } } as const;
    const mailbox = { id: ben.mailboxId };
    const note = (table: Partial<typeof store.table>) =>
      recordDuplicate(
        { store: new EntityStore({ ...store.table, ...table }), organization: found, mailbox, author, now },
        email.id,
        undefined,
      );
    const session = await signIn(ben);

    await expect(note({ write })).rejects.toThrow('The run died');
    const between = await subjectsOf(session);
    await note({});

    expect(between).toEqual([]);
    expect(await subjectsOf(session)).toEqual(['both']);
    expect(await listings()).toHaveLength(1);
  });

  it('is gone from the list with the email, and once it is cut off from the mailboxes', async () => {
    await receive('deleted', anna, ben);
    await receive('untracked', anna, ben);
    const [deleted, untracked] = await organization.emails();

    await organization.call('DELETE', `/emails/${deleted?.id}`);
    await organization.call('POST', `/emails/${untracked?.id}/untrack`);

    expect(await subjectsOf(await signIn(ben))).toEqual([]);
    expect((await (await signIn(ben))('GET', `/v1/emails/${untracked?.id}`)).status).toBe(404);
    expect((await listings()).map(({ sk }) => sk)).toEqual([`${untracked?.id}#${ben.mailboxId}`]);
  });
});

describe('mail of a user that goes or came through another mailbox', () => {
  it('stands in the list of who wrote it in another’s name, and not in that of the writer’s mailbox', async () => {
    await organization.call('PATCH', `/users/${anna.id}`, { allowSendAs: true });
    const session = await signIn(ben);
    const to = [{ address: 'carl@client.example' }];
    const inHerName = await session('POST', '/v1/emails', {
      body: { from: { owner: anna.id }, to, subject: 'as Anna' },
    });
    const own = await session('POST', '/v1/emails', { body: { from: { owner: ben.id }, to, subject: 'as Ben' } });
    await session('PATCH', `/v1/emails/${own.body.id}`, { body: { from: { owner: anna.id } } });
    await session('PATCH', `/v1/emails/${inHerName.body.id}`, { body: { from: { owner: ben.id } } });
    const moved = await subjectsOf(session);
    await session('PATCH', `/v1/emails/${inHerName.body.id}`, { body: { from: { owner: anna.id } } });

    expect(moved).toEqual(['as Ben', 'as Anna']);
    expect(await subjectsOf(session)).toEqual(['as Ben', 'as Anna']);
    expect(await subjectsOf(session, `?ownerId=${ben.id}`)).toEqual(['as Ben', 'as Anna']);
    expect(await subjectsOf(admin, `?mailboxId=${ben.mailboxId}`)).toEqual([]);
    expect(await subjectsOf(admin, `?mailboxId=${anna.mailboxId}`)).toEqual(['as Ben', 'as Anna']);
  });

  it('stands in the list of the user whom it is given to, and no longer in that of the one it is taken from', async () => {
    const carl = await organization.user(nextUser());
    await receive('given on', anna);
    const [email] = await organization.emails();

    await organization.call('PATCH', `/emails/${email?.id}`, { ownerId: ben.id });
    const given = await subjectsOf(await signIn(ben));
    await organization.call('PATCH', `/emails/${email?.id}`, { ownerId: carl.id });

    expect(given).toEqual(['given on']);
    expect(await subjectsOf(await signIn(ben))).toEqual([]);
    expect(await subjectsOf(await signIn(carl))).toEqual(['given on']);
    expect(await subjectsOf(await signIn(anna))).toEqual(['given on']);
  });

  it('stands in the list of the owner of the queue that received it', async () => {
    const user = nextUser();
    const queue = await organization.queue(user, { ownerId: ben.id, filtering: 'all' });
    await organization.synchronize(queue.mailboxId);
    await appendMessage(world.servers.environment, user, compose({ Subject: 'to the queue', To: user.address }));
    await organization.synchronize(queue.mailboxId);

    expect(await subjectsOf(await signIn(ben))).toEqual(['to the queue']);
    expect(await subjectsOf(await signIn(anna))).toEqual([]);
  });
});
