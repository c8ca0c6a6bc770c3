import { ListSchedulesCommand } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSchedulerClient } from '../../../shared/platform/aws-clients.ts';
import { eventually } from '../../support/eventually.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { createEventReader } from '../read-events.ts';
import { compose } from './compose.ts';
import { fillInbox } from './fill-inbox.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;
let readEvents: Awaited<ReturnType<typeof createEventReader>>;

beforeAll(async () => {
  world = await startIncomingWorld();
  readEvents = await createEventReader();
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

const track = async (settings: object) => {
  users += 1;
  const mailUser = world.mailUser(users);
  const organization = await world.createOrganization();
  await organization.settings({ tracking: { retry: settings } });
  const user = await organization.user(mailUser);
  await organization.synchronize(user.mailboxId);
  await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Refused' }));
  await organization.synchronize(user.mailboxId);
  return { organization, mailUser, ...user };
};

const offers = async ({ call }: IncomingOrganization) =>
  (await readEvents(call)).filter(({ type }) => type === 'email.tracked');

/** The event that offers the email for the time that `count` names, once it is there. */
const offer = (organization: IncomingOrganization, count: number) =>
  eventually(
    async () => {
      await world.runOperations();
      return (await offers(organization))[count - 1];
    },
    { what: `offer ${count}`, seconds: 20, everyMilliseconds: 200 },
  );

const reject = (organization: IncomingOrganization, eventId: string | undefined, detail = 'No such account') =>
  organization.call('POST', `/events/${eventId}/reject`, { code: 'plugInFailed', detail });

const openAlerts = async ({ call }: IncomingOrganization) =>
  ((await call('GET', '/alerts?status=open')).body.data as Record<string, unknown>[]).filter(
    ({ code }) => code === 'crmRejected',
  );

describe('an email that the CRM refuses', () => {
  it('is told from any number of others that came at the same instant', async () => {
    const { organization, mailUser, mailboxId } = await track({ attempts: 5, seconds: 900 });
    const receivedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
    const messageOf = () => compose({ Subject: 'At once' });
    await fillInbox(world.servers, mailUser, [{ count: 130, receivedAt, messageOf }]);
    await organization.synchronize(mailboxId);
    const events = new Map((await offers(organization)).map(({ id, subject }) => [subject.id, id]));
    const oldest = (await organization.decisions(mailboxId)).filter(({ subject }) => subject === 'At once').at(-1);

    const { status } = await reject(organization, events.get(String(oldest?.['emailId'])));

    const { body } = await organization.call('GET', `/decisions/${oldest?.['id']}`);
    expect([status, body.outcome, body.code]).toEqual([200, 'setAside', 'crmRejected']);
  });

  it('is set aside with the text of the CRM, is offered again as a new event, and holds no later mail up', async () => {
    const { organization, mailUser, mailboxId } = await track({ attempts: 5, seconds: 1 });
    const first = await offer(organization, 1);

    const answer = await reject(organization, first?.id);
    const repeated = await reject(organization, first?.id);
    const [setAside] = await organization.decisions(mailboxId);
    const [alert] = await openAlerts(organization);
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Later' }));
    await organization.synchronize(mailboxId);

    expect([answer.status, answer.body]).toMatchObject([200, { status: 'waiting', rejections: 1 }]);
    expect(repeated.body).toEqual(answer.body);
    expect(setAside).toMatchObject({
      outcome: 'setAside',
      code: 'crmRejected',
      emailId: first?.subject.id,
      history: [{ outcome: 'tracked' }],
    });
    expect(alert).toMatchObject({ detail: 'No such account', mailboxId, subject: { id: first?.subject.id }, count: 1 });
    const told = await eventually(
      async () => {
        await world.runOperations();
        const events = await offers(organization);
        return events.length < 3 ? undefined : events;
      },
      { what: 'the second offer', seconds: 20, everyMilliseconds: 200 },
    );
    expect(told.map(({ subject }) => subject.id)).toContain(first?.subject.id);
    expect(told.filter(({ subject }) => subject.id === first?.subject.id)).toHaveLength(2);
  });

  it('counts as tracked, and its alert clears itself, once the CRM lets a further offer stand', async () => {
    const { organization, mailboxId } = await track({ attempts: 5, seconds: 1 });
    await reject(organization, (await offer(organization, 1))?.id);
    await offer(organization, 2);

    const settled = await eventually(
      async () => {
        await world.runOperations();
        const [decision] = await organization.decisions(mailboxId);
        return decision?.['outcome'] === 'tracked' ? decision : undefined;
      },
      { what: 'the decision to be tracked again', seconds: 20, everyMilliseconds: 200 },
    );

    expect(settled).toMatchObject({ code: null, history: [{ outcome: 'tracked' }] });
    expect(await openAlerts(organization)).toEqual([]);
  });

  it('becomes a dead letter of kind event when every offer is refused, which replaying offers once more', async () => {
    const { organization, mailboxId } = await track({ attempts: 2, seconds: 1 });
    const refusals = [];
    for (const count of [1, 2, 3])
      refusals.push((await reject(organization, (await offer(organization, count))?.id, `No ${count}`)).body);
    expect(refusals).toMatchObject([{ status: 'waiting' }, { status: 'waiting' }, { status: 'givenUp' }]);

    const letters = await organization.call('GET', '/dead-letters?kind=event');
    expect(letters).toMatchObject({ status: 200, body: { data: [{ kind: 'event' }] } });
    const { data } = letters.body;
    const alerts = await openAlerts(organization);
    const [decision] = await organization.decisions(mailboxId);
    const replay = await organization.call('POST', `/dead-letters/${data[0].id}/replay`, {});
    const fourth = await offer(organization, 4);

    expect(data).toMatchObject([
      { kind: 'event', status: 'open', attempts: 3, mailboxId, fault: { code: 'crmRejected', detail: 'No 3' } },
    ]);
    expect(alerts).toMatchObject([{ subject: { type: 'deadLetter', id: data[0].id }, detail: 'No 3' }]);
    expect(decision).toMatchObject({ outcome: 'setAside', code: 'crmRejected' });
    expect(fourth?.subject.id).toBe(decision?.['emailId']);
    expect((await organization.call('GET', `/operations/${replay.body.id}?wait=5`)).body.status).toBe('succeeded');
    expect((await organization.call('GET', `/dead-letters/${data[0].id}`)).body.status).toBe('resolved');
    expect(await openAlerts(organization)).toEqual([]);
    expect((await organization.decisions(mailboxId))[0]).toMatchObject({ outcome: 'tracked' });
  });

  it('can only be refused by the event that told of it, in its own organization, with a code and a text', async () => {
    const { organization } = await track({ attempts: 2, seconds: 1 });
    const event = await offer(organization, 1);
    const other = await world.createOrganization();

    const foreign = await reject(other, event?.id);
    const unknown = await reject(organization, 'evt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ');
    const textless = await organization.call('POST', `/events/${event?.id}/reject`, { code: 'x' });

    expect([foreign.status, unknown.status, textless.status]).toEqual([404, 404, 400]);
    expect(foreign.body.code).toBe('notFound');
    expect(await openAlerts(organization)).toEqual([]);
  });
});

it('waits by a timer where the wait is long', async () => {
  const { organization } = await track({ attempts: 5, seconds: 900 });

  const { body } = await reject(organization, (await offer(organization, 1))?.id);
  await world.runOperations();

  expect(Date.parse(body.nextOfferAt) - Date.now()).toBeGreaterThan(880_000);
  const { data } = (await organization.call('GET', '/operations?kind=offerAgain')).body;
  expect(data).toMatchObject([{ status: 'running' }]);
  const { Schedules } = await createSchedulerClient().send(
    new ListSchedulesCommand({ GroupName: String(process.env['SCHEDULE_GROUP']), NamePrefix: data[0].id }),
  );
  expect(Schedules).toHaveLength(1);
  expect(await offers(organization)).toHaveLength(1);
});
