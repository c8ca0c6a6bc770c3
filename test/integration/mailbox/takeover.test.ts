import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';
import { createEventReader } from '../read-events.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from './mailbox-world.ts';

let world: MailboxWorld;
let eventsOf: (call: ApiCall) => Promise<readonly FeedEvent[]>;
let organization: TestOrganization;
let call: ApiCall;
let serverProfileId: string;
let anna: MailUser;
let ben: MailUser;

beforeAll(async () => {
  world = await startMailboxWorld();
  eventsOf = await createEventReader();
  anna = findMailUser(world.mail, 'anna@contoso.example');
  ben = findMailUser(world.mail, 'ben@contoso.example');
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('admin');
  serverProfileId = await createProfile(organization, world.mail);
});

const createMailbox = (externalId: string, mailUser: MailUser, credentials?: MailUser) =>
  createUserMailbox(organization, {
    externalId,
    mailUser,
    serverProfileId,
    ...(credentials && { credentials: { username: credentials.username, password: credentials.password } }),
  });
const readMailbox = async (mailboxId: string) => (await call('GET', `/mailboxes/${mailboxId}`)).body;

const expectDispossessed = async (holder: { readonly userId: string; readonly mailboxId: string }) => {
  expect(await readMailbox(holder.mailboxId)).toMatchObject({
    emailAddress: null,
    approval: { status: 'empty' },
    credentials: { username: null, password: { isSet: false, setAt: null } },
    workloads: {
      incoming: { state: 'disabled', disabledBy: 'takeover' },
      outgoing: { state: 'disabled', disabledBy: 'takeover' },
    },
  });
  expect((await call('GET', `/users/${holder.userId}`)).body.emailAddress).toBeNull();
  for (const workload of ['incoming', 'outgoing'])
    expect(await world.api.cycleItem(`${organization.id}#${holder.mailboxId}`, workload)).toMatchObject({
      enabled: false,
      due: null,
    });
  const alert = (await eventsOf(call)).find(
    ({ type, data }) => type === 'alert.raised' && (data as { code: string }).code === 'mailboxTakenOver',
  );
  expect(alert?.data).toMatchObject({ level: 'error', mailboxId: holder.mailboxId, status: 'open' });
};

describe('an address that another mailbox has', () => {
  it('is refused, naming who has it, and taken over by who confirms that', async () => {
    const holder = await createMailbox('u-17', anna);
    await testMailbox(world, organization, holder.mailboxId, { sendTestMessage: false });
    const other = await createMailbox('u-18', ben);
    const path = `/mailboxes/${other.mailboxId}`;

    const refused = await call('PATCH', path, { emailAddress: 'ANNA@contoso.example' });
    const wrong = await call('PATCH', path, { emailAddress: anna.address, confirmTakeoverFrom: other.mailboxId });
    const taken = await call('PATCH', path, { emailAddress: anna.address, confirmTakeoverFrom: holder.mailboxId });

    for (const answer of [refused, wrong])
      expect(answer).toMatchObject({
        status: 409,
        body: {
          code: 'mailboxAlreadyMapped',
          holder: { mailboxId: holder.mailboxId, ownerName: 'u-17' },
          errors: [{ pointer: '#/emailAddress', code: 'taken' }],
        },
      });
    expect(taken).toMatchObject({
      status: 200,
      body: {
        emailAddress: anna.address,
        approval: { status: 'pending' },
        workloads: { incoming: { state: 'notTested' } },
      },
    });
    expect((await call('GET', `/users/${other.userId}`)).body.emailAddress).toBe(anna.address);
    await expectDispossessed(holder);
    const events = (await eventsOf(call)).filter(({ type }) => type === 'mailbox.takenOver');
    expect(events).toMatchObject([{ subject: { type: 'mailbox', id: holder.mailboxId } }]);
  });

  it('can be taken over by an owner, too, at its creation and later', async () => {
    const holder = await createMailbox('u-17', anna);
    await testMailbox(world, organization, holder.mailboxId, { sendTestMessage: false });
    const claim = { emailAddress: anna.address, confirmTakeoverFrom: holder.mailboxId };

    const refused = await call('PUT', '/queues/ext:q-1', { name: 'Sales', emailAddress: anna.address });
    const created = await call('PUT', '/queues/ext:q-1', { name: 'Sales', ...claim });
    await expectDispossessed(holder);
    const late = await call('PATCH', '/users/ext:u-17', claim);
    const back = await call('PATCH', '/users/ext:u-17', { ...claim, confirmTakeoverFrom: created.body.mailboxId });

    expect(refused).toMatchObject({ status: 409, body: { holder: { mailboxId: holder.mailboxId } } });
    expect(created).toMatchObject({ status: 201, body: { emailAddress: anna.address } });
    expect(created.body).not.toHaveProperty('confirmTakeoverFrom');
    expect(late).toMatchObject({
      status: 409,
      body: { code: 'mailboxAlreadyMapped', holder: { mailboxId: created.body.mailboxId, ownerName: 'Sales' } },
    });
    expect(back).toMatchObject({ status: 200, body: { emailAddress: anna.address } });
    expect((await readMailbox(created.body.mailboxId)).emailAddress).toBeNull();
  });

  it('goes to one of many that ask for it at once', async () => {
    const askers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => call('PUT', `/users/ext:u-${index}`, { fullName: `User ${index}` })),
    );

    const answers = await Promise.all(
      askers.map(({ body }) => call('PATCH', `/mailboxes/${body.mailboxId}`, { emailAddress: anna.address })),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const { data } = (await call('GET', '/mailboxes')).body;
    expect(
      data.filter((mailbox: { emailAddress: string | null }) => mailbox.emailAddress === anna.address),
    ).toHaveLength(1);
  });

  it('is free again when its holder gave it up or was deleted', async () => {
    const holder = await createMailbox('u-17', anna);
    const other = await createMailbox('u-18', ben);

    await call('PATCH', `/mailboxes/${holder.mailboxId}`, { emailAddress: null });
    const taken = await call('PATCH', `/mailboxes/${other.mailboxId}`, { emailAddress: anna.address });
    await call('DELETE', '/users/ext:u-18');
    const returned = await call('PATCH', `/mailboxes/${holder.mailboxId}`, { emailAddress: anna.address });

    expect([taken.status, returned.status]).toEqual([200, 200]);
  });
});

describe('a login that another mailbox uses on the same server', () => {
  it('is refused by the test, and taken over by who confirms that', async () => {
    const holder = await createMailbox('u-17', anna);
    await testMailbox(world, organization, holder.mailboxId, { sendTestMessage: false });
    const other = await createMailbox('u-18', ben, anna);
    const path = `/mailboxes/${other.mailboxId}/test-and-enable`;

    const refused = await call('POST', path, {});
    const { result } = await testMailbox(world, organization, other.mailboxId, {
      workloads: ['incoming'],
      confirmTakeoverFrom: holder.mailboxId,
    });

    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'mailboxAlreadyMapped', holder: { mailboxId: holder.mailboxId, ownerName: 'u-17' } },
    });
    expect(result.workloads.incoming).toMatchObject({ status: 'success', enabled: true });
    await expectDispossessed(holder);
    expect((await call('PUT', '/users/ext:u-19', { fullName: 'New', emailAddress: anna.address })).status).toBe(201);
  });

  it('found only by the test fails it, when both were tested at once', async () => {
    const one = await createMailbox('u-17', anna);
    const other = await createMailbox('u-18', ben, anna);
    const request = { workloads: ['incoming'] };
    const operations = [];
    for (const { mailboxId } of [one, other])
      operations.push((await call('POST', `/mailboxes/${mailboxId}/test-and-enable`, request)).body.id);

    const results = [];
    for (const id of operations) results.push((await world.finish(call, id)).result.workloads.incoming);

    expect(results.map(({ status }) => status).sort()).toEqual(['failure', 'success']);
    expect(results.find(({ status }) => status === 'failure')).toMatchObject({
      enabled: false,
      fault: { code: 'mailboxAlreadyMapped' },
    });
  });

  it('is no obstacle once its holder has another login, nor in another organization', async () => {
    const holder = await createMailbox('u-17', anna);
    await testMailbox(world, organization, holder.mailboxId, { sendTestMessage: false });
    const { username, password } = ben;
    await call('PATCH', `/mailboxes/${holder.mailboxId}`, { credentials: { username, password } });
    const other = await createMailbox('u-18', ben, anna);

    const here = await testMailbox(world, organization, other.mailboxId, { workloads: ['incoming'] });
    organization = await world.api.createOrganization();
    call = organization.as('admin');
    serverProfileId = await createProfile(organization, world.mail);
    const elsewhere = await createMailbox('u-17', anna);
    const there = await testMailbox(world, organization, elsewhere.mailboxId, { workloads: ['incoming'] });

    for (const { result } of [here, there]) expect(result.workloads.incoming.status).toBe('success');
  });
});
