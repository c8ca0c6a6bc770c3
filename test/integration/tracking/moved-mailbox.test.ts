import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appendMessage } from '../../support/mailbox-client.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

type User = ReturnType<IncomingWorld['mailUser']>;

/** What moves mailboxes keeps the dates at which mail was received; later than the test begins to track. */
let receivedAt: Date;

beforeEach(() => {
  receivedAt = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000);
});

const append = (mailUser: User, raw: string): Promise<number> =>
  appendMessage(world.servers.environment, mailUser, raw, { receivedAt });

const subjectsOf = async (organization: IncomingOrganization): Promise<readonly string[]> =>
  (await organization.emails()).map(({ subject }) => subject).sort();

/** Another server, where the mail of the old one was copied to in another order, beside mail that came meanwhile. */
const move = async (
  organization: IncomingOrganization,
  mailboxId: string,
  to: User,
  messages: readonly string[],
): Promise<void> => {
  const { api, servers } = world;
  for (const raw of messages) await append(to, raw);
  const { id } = await storeServerProfile(api.services, organization.id, servers.environment, {
    name: 'The new server',
  });
  // As an administrator does: the new profile ends what ran, and a test starts it again.
  await organization.call('PATCH', `/mailboxes/${mailboxId}`, { serverProfileId: id });
  await enableStoredMailbox(api.services, organization.id, mailboxId, {
    serverProfileId: id,
    mailUser: to,
    workloads: ['incoming'],
  });
};

describe('a mailbox that moves to another server', () => {
  it('brings no email twice, and loses none that came between the last reading and the move', async () => {
    const organization = await world.createOrganization();
    const [before, after] = [world.mailUser(1), world.mailUser(2)];
    const { mailboxId } = await organization.user(before);
    const [first, second, unread] = ['First', 'Second', 'Unread'].map((Subject) => compose({ Subject }));
    for (const raw of [first, second]) await append(before, raw ?? '');
    await organization.synchronize(mailboxId);
    const known = await organization.emails();

    await move(organization, mailboxId, after, [unread ?? '', second ?? '', first ?? '']);
    await organization.synchronize(mailboxId);
    await append(after, compose({ Subject: 'Later' }));
    await organization.synchronize(mailboxId);

    expect(await subjectsOf(organization)).toEqual(['First', 'Later', 'Second', 'Unread']);
    expect((await organization.emails()).filter(({ id }) => known.some((one) => one.id === id))).toHaveLength(2);
  });

  it('leaves skipped what was skipped, though its settings would take it now', async () => {
    const organization = await world.createOrganization();
    const [before, after] = [world.mailUser(3), world.mailUser(4)];
    const { id, mailboxId } = await organization.user(before, { filtering: 'none' });
    const skipped = compose({ Subject: 'Skipped' });
    await append(before, skipped);
    await organization.synchronize(mailboxId);
    await organization.call('PATCH', `/users/${id}`, { filtering: 'all' });

    await move(organization, mailboxId, after, [skipped, compose({ Subject: 'New' })]);
    await organization.synchronize(mailboxId);

    expect(await subjectsOf(organization)).toEqual(['New']);
  });

  it('moves back and forth without doubling anything', async () => {
    const organization = await world.createOrganization();
    const [one, other] = [world.mailUser(5), world.mailUser(6)];
    const { mailboxId } = await organization.user(one);
    const raw = compose({ Subject: 'Once' });
    await append(one, raw);
    await organization.synchronize(mailboxId);

    await move(organization, mailboxId, other, [raw]);
    await organization.synchronize(mailboxId);
    await move(organization, mailboxId, one, []);
    await organization.synchronize(mailboxId);

    expect(await subjectsOf(organization)).toEqual(['Once']);
  });
});
