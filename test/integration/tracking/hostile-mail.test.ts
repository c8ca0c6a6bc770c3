import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCycleStore } from '../../../shared/cycle/cycle-store.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { hostileMessages } from '../../corpus/hostile-messages.ts';
import { appendMessage, readMessage, withMailbox } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

describe('hostile mail', () => {
  it('is tracked or set aside with its bytes, and holds up nothing behind it', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    // The server itself refuses to file an empty message.
    const hostile = hostileMessages().filter(({ raw }) => raw.length > 0);
    await withMailbox(world.servers.environment, mailUser, async (client) => {
      for (const { raw } of hostile) await client.append('INBOX', raw);
      await client.append('INBOX', compose({ Subject: 'Behind them' }));
    });

    const cycle = await organization.synchronize(mailboxId);

    const decisions = await organization.decisions(mailboxId);
    const deadLetters = (await organization.call('GET', '/dead-letters')).body.data;
    const decided = decisions.map(({ outcome }) => outcome);
    expect(cycle.consecutiveFailures).toBe(0);
    expect(decided.filter((outcome) => outcome === 'setAside')).toHaveLength(deadLetters.length);
    expect((await organization.emails()).map(({ subject }) => subject)).toContain('Behind them');
    expect(decisions).toHaveLength(hostile.length + 1);
  }, 120_000);

  it('keeps the bytes of a tracked message exactly as they came', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const uid = await appendMessage(world.servers.environment, mailUser, compose({}, 'Grüße\r\n.\r\nEnd'));

    await organization.synchronize(mailboxId);

    const [email] = await organization.emails();
    const raw = await world.api.services.content.read(email?.rawKey ?? '');
    expect(Buffer.from(raw ?? []).equals(await readMessage(world.servers.environment, mailUser, uid))).toBe(true);
  });

  it('is shown without what could act or fetch in the page that shows it', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const html = '<p>Hello<script>alert(1)</script><img src="https://client.example/pixel.gif"></p>';
    await appendMessage(
      world.servers.environment,
      mailUser,
      compose({ 'MIME-Version': '1.0', 'Content-Type': 'text/html' }, html),
    );

    await organization.synchronize(mailboxId);

    const [email] = await organization.emails();
    const { body } = await organization.call('GET', `/emails/${email?.id}`);
    expect(body.body.html.trim()).toBe('<p>Hello<img data-external-src="https://client.example/pixel.gif" /></p>');
  });

  it('of 30 MB is tracked, and above the limit skipped with a decision', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    const line = `${'x'.repeat(76)}\r\n`;
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: '30 MB' }, line.repeat(400_000)));
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: '60 MB' }, line.repeat(800_000)));

    await organization.synchronize(mailboxId);

    const outcomes = (await organization.decisions(mailboxId)).map(({ outcome, code }) => [outcome, code]);
    expect(outcomes).toContainEqual(['tracked', null]);
    expect(outcomes).toContainEqual(['skipped', 'tooLarge']);
    expect((await organization.emails())[0]?.sizeBytes).toBeGreaterThan(30_000_000);
  });

  it('that ends the process three times is set aside unread, and the next message is tracked by the same run', async () => {
    const organization = await world.createOrganization();
    const mailUser = world.nextMailUser();
    const { mailboxId } = await organization.user(mailUser);
    await organization.synchronize(mailboxId);
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Poison' }));
    await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'Harmless' }));
    await world.api.services.cycles.wake(organization.id, mailboxId, 'incoming');
    const { cursors } = await organization.cycle(mailboxId);
    // As two runs leave it that died on the message.
    const poison = { item: `INBOX/${cursors['INBOX']?.uidValidity}/1`, attempts: 2 };
    await createCycleStore(createDocumentClient(), world.api.cyclesTable).mark(
      await organization.cycle(mailboxId),
      poison,
    );

    const cycle = await organization.synchronize(mailboxId);

    const deadLetters = (await organization.call('GET', '/dead-letters?status=open')).body.data;
    expect(deadLetters).toMatchObject([{ mailboxId, kind: 'email', attempts: 3, remote: { folder: 'INBOX', uid: 1 } }]);
    expect((await organization.emails()).map(({ subject }) => subject)).toEqual(['Harmless']);
    expect(cycle.lastCounts).toEqual({ seen: 2, tracked: 1, skipped: 0, failed: 1 });
    expect(cycle.marker).toBeUndefined();

    await organization.call('POST', `/dead-letters/${deadLetters[0].id}/replay`);
    await organization.call('POST', `/dead-letters/${deadLetters[0].id}/replay`);
    await world.runOperations();

    expect((await organization.emails()).map(({ subject }) => subject).sort()).toEqual(['Harmless', 'Poison']);
    expect((await organization.call('GET', `/dead-letters/${deadLetters[0].id}`)).body.status).toBe('resolved');
    expect((await organization.call('GET', '/alerts?status=open')).body.data).toEqual([]);
    const outcomes = (await organization.decisions(mailboxId)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['tracked', 'tracked']);
  });
});
