import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGuarded } from '../../../local/guarded-process.ts';
import { checkoutDirectory, localFile } from '../../../local/paths.ts';
import { eventually } from '../../support/eventually.ts';
import { contextOf, receiveLaneEvent } from '../../support/run-lane.ts';
import { type SmtpProxy, startSmtpProxy } from '../../support/smtp-proxy.ts';
import { captureMetrics, unconfirmedSend } from '../../support/written-metrics.ts';
import { type Body, type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let proxy: SmtpProxy;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
  proxy = await startSmtpProxy(world.servers.environment);
});

afterAll(async () => {
  await proxy?.stop();
  await world?.stop();
});

beforeEach(async () => {
  const { caCertificate } = world.servers.environment;
  organization = await world.createOrganization({
    profile: {
      outgoing: { protocol: 'smtp', ...proxy.endpoint },
      caCertificates: `${caCertificate}\n${proxy.caCertificate}`,
    },
    settings: { outgoing: { allowUnresolvedRecipients: true } },
  });
  proxy.mode = 'pass';
});

const toCarl = () => ({ to: [{ address: world.mailUser(2).address }], subject: 'Our offer' });

/** A Send whose answer from the server was lost, after the server had taken the message. */
const loseAnswer = async (fields: object = {}): Promise<Body> => {
  proxy.mode = 'loseAnswer';
  const { id } = await organization.send({ ...toCarl(), ...fields });
  const email = await organization.runToEnd(id);
  proxy.mode = 'pass';
  return email;
};

const drain = async (): Promise<void> => {
  while ((await world.runLane(1)) > 0);
};

describe('a Send whose answer was lost', () => {
  it('is counted for the alarm on sends that nobody can tell the end of', async () => {
    process.env['POWERTOOLS_SERVICE_NAME'] = 'mailbox-sync';
    process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'MailboxSync';

    const written = await captureMetrics(() => loseAnswer());

    expect(written).toContainEqual(unconfirmedSend);
  });

  it('is unconfirmed, says so to a person, and is never sent again unasked', async () => {
    const unconfirmed = await loseAnswer();

    await drain();

    expect(unconfirmed).toMatchObject({
      status: 'unconfirmed',
      sentAt: null,
      to: [{ result: 'unconfirmed', code: 'deliveryUnconfirmed' }],
      delivery: { attempts: 1, nextAttemptAt: null, fault: { code: 'deliveryUnconfirmed', whoActs: 'mailboxOwner' } },
    });
    expect(await organization.eventsOf(unconfirmed.id)).toEqual([
      'email.draftCreated',
      'email.pendingSend',
      'email.sending',
      'email.unconfirmed',
    ]);
    await world.received(world.mailUser(2), unconfirmed.messageId);
    expect(await organization.email(unconfirmed.id)).toMatchObject({ status: 'unconfirmed' });
    expect(await world.countReceived(organization.sender.mailUser, unconfirmed.messageId, 'Sent')).toBe(0);
  });

  it('is sent again only by who accepts that it may arrive twice, as the same message', async () => {
    const { id, messageId } = await loseAnswer();

    const refused = await organization.call('POST', `/emails/${id}/retry`, {});
    const send = await organization.call('POST', `/emails/${id}/send`, {});
    const retried = await organization.call('POST', `/emails/${id}/retry`, { acceptDuplicate: true });
    const sent = await organization.runToEnd(id);

    expect(refused).toMatchObject({ status: 409, body: { code: 'mayDuplicate' } });
    expect(send).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    expect(retried).toMatchObject({ status: 202, body: { status: 'pendingSend' } });
    expect(sent).toMatchObject({ status: 'sent', messageId, to: [{ result: 'accepted' }] });
    const twice = () => world.countReceived(world.mailUser(2), messageId);
    await eventually(async () => ((await twice()) === 2 ? true : undefined), { what: 'both deliveries' });
  });

  it('becomes sent when a person says that it arrived, and then has its copy filed', async () => {
    const { id, messageId } = await loseAnswer();

    const marked = await organization.call('POST', `/emails/${id}/mark-sent`);
    const sent = await organization.runToEnd(id);
    const again = await organization.call('POST', `/emails/${id}/mark-sent`);

    expect(marked).toMatchObject({ status: 200, body: { status: 'sent', to: [{ result: 'accepted' }] } });
    expect(marked.body.delivery).not.toHaveProperty('fault');
    expect(sent.delivery.sentCopy).toBe('stored');
    expect(again).toMatchObject({ status: 409, body: { code: 'invalidState' } });
    await world.received(organization.sender.mailUser, messageId, 'Sent');
    await world.received(world.mailUser(2), messageId);
  });

  it('tells those whom the server had put off from those who may have it', async () => {
    const { id, to } = await loseAnswer({
      to: [{ address: world.mailUser(2).address }, { address: 'later@defer.test' }],
    });

    const marked = await organization.call('POST', `/emails/${id}/mark-sent`);

    expect(to).toMatchObject([{ result: 'unconfirmed' }, { result: 'deferred' }]);
    expect(marked.body.to).toMatchObject([{ result: 'accepted' }, { result: 'rejected', code: 'serverError' }]);
  });

  it('is sent again by itself where the organization wants that', async () => {
    await organization.settings({ outgoing: { onUnconfirmed: 'resend', retry: { seconds: 1 } } });
    proxy.mode = 'loseAnswer';
    const { id } = await organization.send(toCarl());
    await organization.runUntil(id, ({ delivery }) => delivery.attempts === 1);
    proxy.mode = 'pass';

    const sent = await organization.runToEnd(id);

    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 2 } });
  });
});

describe('a connection that breaks before the end of the message', () => {
  it('leaves no doubt: the email is tried again', async () => {
    await organization.settings({ outgoing: { retry: { seconds: 1 } } });
    proxy.mode = 'breakMessage';
    const { id } = await organization.send({ ...toCarl(), body: { text: 'x'.repeat(2_000_000) } });
    const waiting = await organization.runUntil(id, ({ delivery }) => delivery.attempts === 1);
    proxy.mode = 'pass';

    const sent = await organization.runToEnd(id);

    expect(waiting).toMatchObject({ status: 'pendingSend', to: [{ result: 'deferred' }] });
    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 2 } });
    await world.received(world.mailUser(2), sent.messageId);
  });
});

describe('a server that is too busy', () => {
  it('costs the email no attempt and the mailbox no strike', async () => {
    await organization.settings({ schedule: { retry: { seconds: 1 } } });
    proxy.mode = 'busy';
    const { id } = await organization.send(toCarl());
    const waiting = await organization.runUntil(
      id,
      ({ status, delivery }) => status === 'pendingSend' && delivery.lastAttemptAt !== null,
    );
    const mailbox = await organization.call('GET', `/mailboxes/${organization.sender.mailboxId}`);
    proxy.mode = 'pass';

    const sent = await organization.runToEnd(id);

    expect(waiting.delivery).toMatchObject({ attempts: 0 });
    expect(waiting.to[0]).not.toHaveProperty('result');
    expect(mailbox.body.workloads.outgoing.state).toBe('enabled');
    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 1 } });
    await world.received(world.mailUser(2), sent.messageId);
  });
});

/** Hands a batch to a run in a process of its own, kills it once the server has the message, and gives the batch back. */
const killWhileHanding = async (event: SQSEvent, milliseconds: number): Promise<void> => {
  const before = proxy.answered();
  proxy.mode = 'keepAnswer';
  const lane = startGuarded({
    name: 'the lane',
    file: process.execPath,
    args: ['test/support/lane-process.ts'],
    environment: {
      ...(process.env as Readonly<Record<string, string>>),
      LANE_EVENT: JSON.stringify(event),
      LANE_MILLISECONDS: String(milliseconds),
    },
    workingDirectory: checkoutDirectory,
    logFile: await localFile('lane-process.log'),
  });
  try {
    await eventually(() => (proxy.answered() > before ? true : undefined), {
      what: 'the server to take the message',
      seconds: 45,
    });
  } finally {
    await lane.kill();
    proxy.mode = 'pass';
  }
  const client = new SQSClient({});
  for (const { receiptHandle } of event.Records)
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: world.queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }),
    );
};

describe('a run that is killed while it hands a message over', () => {
  it('leaves the email unconfirmed for the next run, and it arrives once', { timeout: 120_000 }, async () => {
    await drain();
    const { id } = await organization.send(toCarl());
    const event = await receiveLaneEvent(world.queueUrl, 5);
    if (event === undefined) throw new Error('The Send woke no run');
    // It takes no email in its last twelve seconds, and its place is kept for five seconds more.
    await killWhileHanding(event, 18_000);
    const interrupted = await organization.email(id);
    const cancel = await organization.call('POST', `/emails/${id}/cancel`);

    const unconfirmed = await organization.runUntil(id, ({ status }) => status !== 'sending', 45);

    expect(interrupted.status).toBe('sending');
    expect(cancel).toMatchObject({ status: 409, body: { code: 'alreadySending' } });
    expect(unconfirmed).toMatchObject({ status: 'unconfirmed', to: [{ result: 'unconfirmed' }] });
    await drain();
    await world.received(world.mailUser(2), unconfirmed.messageId);
  });
});

describe('deliveries that come twice', () => {
  it('send once, even at the same time', async () => {
    await drain();
    const { id } = await organization.send(toCarl());
    const event = await receiveLaneEvent(world.queueUrl, 5);
    if (event === undefined) throw new Error('The Send woke no run');

    await Promise.all([1, 2, 3].map(() => world.handler(event, contextOf(60_000))));
    await world.handler(event, contextOf(60_000));

    const sent = await organization.runToEnd(id);
    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 1 } });
    expect(await world.countReceived(organization.sender.mailUser, sent.messageId, 'Sent')).toBe(1);
    await world.received(world.mailUser(2), sent.messageId);
  });
});
