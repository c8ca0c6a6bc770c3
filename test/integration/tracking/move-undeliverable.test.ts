import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCycleStore } from '../../../shared/cycle/cycle-store.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { appendMessage, listMessages } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** A mailbox in which two runs died on the first of two new messages. */
const startWithPoison = async (number: number, profile: Readonly<Record<string, unknown>>) => {
  const organization = await world.createOrganization(undefined, profile);
  const mailUser = world.mailUser(number);
  const { mailboxId } = await organization.user(mailUser);
  await organization.synchronize(mailboxId);
  await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Poison' }));
  await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Harmless' }));
  const mark = async () => {
    const cycle = await organization.cycle(mailboxId);
    const item = `INBOX/${cycle.cursors['INBOX']?.uidValidity}/1`;
    await createCycleStore(createDocumentClient(), world.api.cyclesTable).mark(cycle, { item, attempts: 2 });
  };
  await mark();
  const subjectsIn = async (folder: string) =>
    (await listMessages(world.servers.environment, mailUser, folder)).map(({ subject }) => subject);
  return { organization, mailUser, mailboxId, subjectsIn };
};

describe('mail that cannot be handled', () => {
  it('moves to the folder Undeliverable where the profile says so, its bytes set aside, and can be replayed', async () => {
    const { organization, mailboxId, subjectsIn } = await startWithPoison(1, { moveUndeliverable: true });

    await organization.synchronize(mailboxId);

    expect(await subjectsIn('INBOX')).toEqual(['Harmless']);
    expect(await subjectsIn('Undeliverable')).toEqual(['Poison']);
    const [letter] = (await organization.call('GET', '/dead-letters?status=open')).body.data;
    expect(letter).toMatchObject({ mailboxId, remote: { folder: 'INBOX', uid: 1 } });
    expect((await organization.decisions(mailboxId)).map(({ outcome }) => outcome).sort()).toEqual([
      'setAside',
      'tracked',
    ]);

    await organization.call('POST', `/dead-letters/${letter.id}/replay`);
    await world.runOperations();

    expect((await organization.emails()).map(({ subject }) => subject).sort()).toEqual(['Harmless', 'Poison']);
  });

  it('stays where it came in otherwise', async () => {
    const { organization, mailboxId, subjectsIn } = await startWithPoison(2, {});

    await organization.synchronize(mailboxId);

    expect(await subjectsIn('INBOX')).toEqual(['Poison', 'Harmless']);
  });

  it('stays where the server lets nothing be moved, and holds nothing up', async () => {
    const { organization, mailUser, mailboxId, subjectsIn } = await startWithPoison(3, { moveUndeliverable: true });
    // The name is taken, by something that is no folder.
    const mail = join(dirname(world.servers.dovecot.logFile), 'mail', mailUser.username, 'maildir');
    await writeFile(join(mail, '.Undeliverable'), '');

    const cycle = await organization.synchronize(mailboxId);

    expect(cycle.lastCounts).toMatchObject({ tracked: 1, failed: 1 });
    expect(await subjectsIn('INBOX')).toEqual(['Poison', 'Harmless']);
  });

  it('has no folder to go to by POP3, which the profile refuses', async () => {
    const { call } = await world.createOrganization();
    const { pop3, submission } = world.servers.environment;
    const { status, body } = await call('POST', '/server-profiles', {
      name: 'POP3',
      kind: 'pop3Smtp',
      incoming: { protocol: 'pop3', ...pop3 },
      outgoing: { protocol: 'smtp', ...submission },
      credentials: { source: 'mailbox', authentication: 'password' },
      moveUndeliverable: true,
    });

    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'unsupportedCombination', '#/moveUndeliverable']);
  });
});

describe('what was set aside', () => {
  it.each([
    ['', 4, false],
    [', also from the bytes that were kept of it once it was moved', 5, true],
  ])('is resolved with its alert when somebody has it tracked%s', async (_how, number, moveUndeliverable) => {
    const { organization, mailboxId } = await startWithPoison(number, { moveUndeliverable });
    await organization.synchronize(mailboxId);
    const [letter] = (await organization.call('GET', '/dead-letters')).body.data;
    const decision = (await organization.decisions(mailboxId)).find(({ outcome }) => outcome === 'setAside');

    const alerts = (await organization.call('GET', '/alerts?status=open')).body.data;
    await organization.call('POST', `/decisions/${decision?.['id']}/track`, {});
    await world.runOperations();

    expect(alerts).toMatchObject([{ subject: { id: letter.id } }]);
    expect((await organization.emails()).map(({ subject }) => subject).sort()).toEqual(['Harmless', 'Poison']);
    expect((await organization.call('GET', `/dead-letters/${letter.id}`)).body.status).toBe('resolved');
    expect((await organization.call('GET', '/alerts?status=open')).body.data).toEqual([]);
  });
});
