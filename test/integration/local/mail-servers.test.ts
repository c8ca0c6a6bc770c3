import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { waitForHeldConnections } from '../../support/held-connections.ts';
import {
  bounceDomain,
  deferredDomain,
  highestConnectionCount,
  type MailServers,
  startTestMailServers,
} from '../../support/mail-servers.ts';
import {
  appendMessage,
  deliverMessage,
  findMailUser,
  listMessages,
  readMessage,
  submitMessage,
  waitForMessage,
  withMailbox,
} from '../../support/mailbox-client.ts';

const maxUserConnections = 3;
const anna = 'anna@contoso.example';
const carl = 'carl@client.example';
const ben = 'ben@contoso.example';

let servers: MailServers;

beforeAll(async () => {
  servers = await startTestMailServers({ addresses: [anna, ben, carl], maxUserConnections, messageSizeLimit: 200_000 });
});

afterAll(async () => {
  await servers.stop();
});

const message = (to: string, from = carl) => ({ from, to, subject: 'Our offer', text: 'Dear Anna' });

describe('the local mail servers', () => {
  it('take mail from outside without login for their users, and deliver it', async () => {
    const mail = servers.environment;

    const { messageId } = await deliverMessage(mail, message(anna, 'someone@elsewhere.example'));

    const delivered = await waitForMessage(mail, findMailUser(mail, anna), messageId);
    expect(delivered.subject).toBe('Our offer');
  });

  it('deliver to a user what another submits with login over TLS', async () => {
    const mail = servers.environment;

    const { messageId } = await submitMessage(mail, findMailUser(mail, carl), message(anna));

    await waitForMessage(mail, findMailUser(mail, anna), messageId);
  });

  it.each([
    ['an unknown user', 550, message('nobody@contoso.example')],
    ['a domain that defers', 450, message(`someone@${deferredDomain}`)],
    ['a foreign sender address', 553, message(anna, anna)],
    ['a message over the limit', 552, { ...message(anna), text: 'x'.repeat(300_000) }],
  ])('refuse %s with %i', async (_what, responseCode, refused) => {
    const mail = servers.environment;

    await expect(submitMessage(mail, findMailUser(mail, carl), refused)).rejects.toMatchObject({ responseCode });
  });

  it('refuse a wrong password', async () => {
    const mail = servers.environment;
    const wrong = { ...findMailUser(mail, carl), password: 'wrong' };

    await expect(submitMessage(mail, wrong, message(anna))).rejects.toMatchObject({ responseCode: 535 });
    await expect(withMailbox(mail, wrong, async () => undefined)).rejects.toMatchObject({ authenticationFailed: true });
  });

  it('give back as a delivery status notification what the bounce domain does not take', async () => {
    const mail = servers.environment;

    await submitMessage(mail, findMailUser(mail, carl), message(`someone@${bounceDomain}`));

    const notification = await eventually(
      async () =>
        (await listMessages(mail, findMailUser(mail, carl))).find(({ subject }) => /undelivered/i.test(subject ?? '')),
      { what: 'the notification is in the Inbox' },
    );
    const raw = await readMessage(mail, findMailUser(mail, carl), notification.uid);
    expect(raw.toString()).toMatch(/report-type=delivery-status/);
  });

  it('keep an appended message byte for byte', async () => {
    const mail = servers.environment;
    const raw = `From: ${carl}\r\nTo: ${anna}\r\nMessage-ID: <appended@client.example>\r\n\r\nGr=FC=DFe \xff\r\n`;

    const uid = await appendMessage(mail, findMailUser(mail, anna), Buffer.from(raw, 'latin1'), { folder: 'Archive' });

    const kept = await readMessage(mail, findMailUser(mail, anna), uid, 'Archive');
    expect(kept.toString('latin1')).toBe(raw);
  });

  it('refuse one IMAP connection more than a user may have, and log how many there were', async () => {
    const mail = servers.environment;
    const user = findMailUser(mail, ben);
    const connectAtOnce = (count: number, work: () => Promise<void>): Promise<void> =>
      count === 0 ? work() : withMailbox(mail, user, () => connectAtOnce(count - 1, work));

    await connectAtOnce(maxUserConnections, async () => {
      await waitForHeldConnections(servers, 'imap', user.username, maxUserConnections);
      await expect(connectAtOnce(1, async () => undefined)).rejects.toMatchObject({ serverResponseCode: 'LIMIT' });
    });

    // Another process of Dovecot writes the log, some time after what it tells of.
    const log = await eventually(
      async () => {
        const text = await readFile(servers.dovecot.logFile, 'utf8');
        const ended = text.split('\n').filter((line) => line.includes(`imap(${ben})`) && line.includes('Logged out'));
        return ended.length === maxUserConnections ? text : undefined;
      },
      { what: 'the log tells of the end of every connection' },
    );
    expect(highestConnectionCount(log, ben)).toBe(maxUserConnections);
    expect(highestConnectionCount(log)).toBeGreaterThanOrEqual(maxUserConnections);
  });

  it('come back with their mail after a stop and a start', async () => {
    const mail = servers.environment;
    const before = await listMessages(mail, findMailUser(mail, anna));

    await servers.dovecot.stop();
    await servers.dovecot.start();

    expect(await listMessages(mail, findMailUser(mail, anna))).toEqual(before);
  });
});
