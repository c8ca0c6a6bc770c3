import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestMailServers } from '../../support/mail-servers.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let organization: SendingOrganization;

const unresolved = { allowUnresolvedRecipients: true };

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.createOrganization({ settings: { outgoing: unresolved } });
});

const unknown = { address: 'nobody@example.test' };
const deferred = { address: 'later@defer.test' };
const known = (number: number) => ({ address: world.mailUser(number).address });

const alertsOf = async (id: string) =>
  (await world.api.allRecords())
    .filter(({ kind, organizationId }) => kind === 'alert' && organizationId === organization.id)
    .map(({ entity }) => entity as { code: string; status: string; level: string; subject: { id: string } })
    .filter(({ subject }) => subject.id === id)
    .map(({ code, status, level }) => ({ code, status, level }));

describe('a recipient that the server refuses', () => {
  it('is told apart from those who got the email', async () => {
    const { id } = await organization.send({ to: [known(2), unknown], cc: [known(3)], subject: 'Offer' });

    const sent = await organization.runToEnd(id);

    expect(sent).toMatchObject({
      status: 'sent',
      to: [{ result: 'accepted' }, { result: 'rejected', code: 'recipientRejected' }],
      cc: [{ result: 'accepted' }],
      delivery: { attempts: 1 },
    });
    expect(sent.to[1].answer).toMatch(/^550 5\.1\.1 /);
    await world.received(world.mailUser(2), sent.messageId);
    await world.received(world.mailUser(3), sent.messageId);
    expect(await alertsOf(id)).toEqual([]);
  });

  it('fails the email at once when there is no other', async () => {
    const { id } = await organization.send({ to: [unknown], subject: 'Offer' });

    const failed = await organization.runToEnd(id);

    expect(failed).toMatchObject({
      status: 'failed',
      to: [{ result: 'rejected', code: 'recipientRejected' }],
      delivery: { attempts: 1, nextAttemptAt: null, fault: { code: 'recipientRejected', whoActs: 'caller' } },
    });
    expect(await organization.eventsOf(id)).toContain('email.failed');
    expect(await alertsOf(id)).toEqual([{ code: 'recipientRejected', status: 'open', level: 'error' }]);
  });

  it('may be tried again after a failure, or given up', async () => {
    const { id } = await organization.send({ to: [unknown], subject: 'Offer' });
    await organization.runToEnd(id);

    const retried = await organization.call('POST', `/emails/${id}/retry`);
    const failed = await organization.runToEnd(id);
    const canceled = await organization.call('POST', `/emails/${id}/cancel`);

    expect(retried).toMatchObject({ status: 202, body: { status: 'pendingSend' } });
    expect(retried.body.to[0]).not.toHaveProperty('result');
    expect(failed).toMatchObject({ status: 'failed', messageId: retried.body.messageId });
    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect((await alertsOf(id)).map(({ status }) => status)).toEqual(['cleared', 'cleared']);
  });

  it('of a sandbox is refused before the server hears of it', async () => {
    await organization.settings({ outgoing: { sandboxAllow: ['@example.test'] } });
    const mixed = await organization.send({ to: [known(2), { address: 'real@customer.example' }], subject: 'Offer' });
    const outside = await organization.send({ to: [{ address: 'real@customer.example' }], subject: 'Offer' });

    const sent = await organization.runToEnd(mixed.id);
    const failed = await organization.runToEnd(outside.id);

    expect(sent).toMatchObject({
      status: 'sent',
      to: [{ result: 'accepted' }, { result: 'rejected', code: 'sandboxBlocked' }],
    });
    expect(failed).toMatchObject({
      status: 'failed',
      to: [{ result: 'rejected', code: 'sandboxBlocked' }],
      delivery: { fault: { code: 'sandboxBlocked', whoActs: 'administrator' } },
    });
  });

  it('is sent to nobody twice while the others are put off', async () => {
    await organization.settings({ outgoing: { retry: { attempts: 2, seconds: 1 } } });
    const { id } = await organization.send({ to: [known(2), deferred], subject: 'Offer' });

    const waiting = await organization.runUntil(id, ({ delivery }) => delivery.attempts === 1);
    const cancel = await organization.call('POST', `/emails/${id}/cancel`);
    const sent = await organization.runToEnd(id);

    expect(waiting).toMatchObject({ status: 'pendingSend', to: [{ result: 'accepted' }, { result: 'deferred' }] });
    expect(cancel).toMatchObject({ status: 409, body: { code: 'alreadySent' } });
    expect(sent).toMatchObject({
      status: 'sent',
      to: [{ result: 'accepted' }, { result: 'rejected', code: 'serverError' }],
      delivery: { attempts: 2 },
    });
    await world.received(world.mailUser(2), sent.messageId);
  });
});

describe('a server that asks to come back', () => {
  it('is asked ten times, each time as told, and then the email has failed', async () => {
    await organization.settings({ outgoing: { retry: { seconds: 1 } } });
    const { id } = await organization.send({ to: [deferred], subject: 'Offer' });

    const first = await organization.runUntil(id, ({ delivery }) => delivery.attempts === 1);
    const failed = await organization.runUntil(id, ({ status }) => status === 'failed', 50);

    expect(first).toMatchObject({
      status: 'pendingSend',
      to: [{ result: 'deferred', code: 'serverError', answer: expect.stringMatching(/^450 4\.3\.0/) }],
      delivery: { fault: { code: 'serverError' } },
    });
    expect(Date.parse(first.delivery.nextAttemptAt) - Date.parse(first.delivery.lastAttemptAt)).toBeGreaterThanOrEqual(
      1_000,
    );
    expect(failed).toMatchObject({
      to: [{ result: 'rejected', code: 'serverError' }],
      delivery: { attempts: 10, nextAttemptAt: null, fault: { code: 'serverError' } },
    });
    const told = await organization.eventsOf(id);
    expect(told.filter((type) => type === 'email.pendingSend')).toHaveLength(10);
    expect(told.at(-1)).toBe('email.failed');
  });

  it('lets a person cancel what nobody has got yet', async () => {
    const { id } = await organization.send({ to: [deferred], subject: 'Offer' });
    await organization.runUntil(id, ({ delivery }) => delivery.attempts === 1);

    const canceled = await organization.call('POST', `/emails/${id}/cancel`);

    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled', delivery: { nextAttemptAt: null } } });
  });
});

describe('a server that cannot be reached', () => {
  it('keeps the email waiting, with the time of the next attempt, and gets it when it is back', async () => {
    const other = await startTestMailServers();
    const { submission, imap, caCertificate } = other.environment;
    await other.postfix.stop();
    organization = await world.createOrganization({
      profile: {
        incoming: { protocol: 'imap', ...imap },
        outgoing: { protocol: 'smtp', ...submission },
        caCertificates: caCertificate,
      },
      settings: { outgoing: unresolved, schedule: { retry: { seconds: 1 } } },
      mailUser: other.environment.users[0],
    });
    const { id } = await organization.send({ to: [known(2)], subject: 'Offer' });

    const waiting = await organization.runUntil(id, ({ delivery }) => delivery.nextAttemptAt !== null);
    await other.postfix.start();
    const sent = await organization.runToEnd(id);

    expect(waiting).toMatchObject({ status: 'pendingSend', delivery: { attempts: 0 } });
    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 1, sentCopy: 'stored' } });
    await other.stop();
  });

  it('has no say in an email that it would never take: one larger than it allows', async () => {
    const other = await startTestMailServers({ messageSizeLimit: 100_000 });
    const { submission, imap, caCertificate } = other.environment;
    organization = await world.createOrganization({
      profile: {
        incoming: { protocol: 'imap', ...imap },
        outgoing: { protocol: 'smtp', ...submission },
        caCertificates: caCertificate,
      },
      settings: { outgoing: unresolved },
      mailUser: other.environment.users[0],
    });
    const large = await organization.send({ to: [known(2)], subject: 'Large', body: { text: 'x'.repeat(200_000) } });
    const small = await organization.send({ to: [known(2)], subject: 'Small' });

    const failed = await organization.runToEnd(large.id);
    const sent = await organization.runToEnd(small.id);

    expect(failed).toMatchObject({ status: 'failed', delivery: { attempts: 1, fault: { code: 'messageRejected' } } });
    expect(sent).toMatchObject({ status: 'sent' });
    await other.stop();
  });
});

describe('an email whose content is gone', () => {
  it('fails and holds up nothing behind it', async () => {
    const draft = await organization.draft({ to: [known(2)], subject: 'Plans' });
    const attachment = await organization.call('POST', `/emails/${draft.id}/attachments`, {
      fileName: 'plan.txt',
      contentType: 'text/plain',
      contentBase64: Buffer.from('plan').toString('base64'),
    });
    await organization.call('POST', `/emails/${draft.id}/send`);
    await world.api.services.content.removeAll(
      `${organization.id}/emails/${draft.id}/attachments/${attachment.body.id}`,
    );
    const next = await organization.send({ to: [known(2)], subject: 'Next' });

    const failed = await organization.runToEnd(draft.id);

    expect(failed).toMatchObject({ status: 'failed', delivery: { fault: { code: 'contentMissing' } } });
    expect(await organization.runToEnd(next.id)).toMatchObject({ status: 'sent' });
  });

  it('that cannot stand in a command of SMTP is refused for that recipient alone', async () => {
    const odd = { address: '"a<b"@example.test' };
    const rejected = { result: 'rejected', code: 'recipientRejected' };
    const alone = await organization.send({ to: [odd], subject: 'Odd' });
    const beside = await organization.send({ to: [odd, known(2)], subject: 'Odd' });

    expect(await organization.runToEnd(alone.id)).toMatchObject({ status: 'failed', to: [rejected] });
    expect(await organization.runToEnd(beside.id)).toMatchObject({
      status: 'sent',
      to: [rejected, { result: 'accepted' }],
    });
  });
});
