import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import type { MessageHead } from '../../../shared/transport/imap/imap-session.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import { TransportError } from '../../../shared/transport/transport-error.ts';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { type MailServers, startTestMailServers } from '../../support/mail-servers.ts';
import { appendMessage, findMailUser } from '../../support/mailbox-client.ts';

let servers: MailServers;

beforeAll(async () => {
  servers = await startTestMailServers();
});

afterAll(() => servers.stop());

const ignore = (): void => undefined;

it('takes a server that has gone for a failure, and not for an answer that the messages are gone', async () => {
  const mail = servers.environment;
  const user = findMailUser(mail, 'user1@example.test');
  const uid = await appendMessage(mail, user, buildMessage(ordinaryHeaders()));
  const session = await openImapSession(
    { ...mail.imap, caCertificates: mail.caCertificate, timeoutSeconds: 10 },
    { authentication: 'password', username: user.username, password: user.password },
    createDialler(createHostPolicy(['127.0.0.0/8'])),
    { deadline: Date.now() + 60_000 },
  );
  const heads: MessageHead[] = [];
  await session.fetchHeads('INBOX', [uid], ['subject'], (head) => heads.push(head));
  expect(heads).toHaveLength(1);

  await servers.dovecot.stop();
  const hasNoticed = (): Promise<true | undefined> =>
    session.status('INBOX').then(
      () => undefined,
      () => true,
    );
  await eventually(hasNoticed, { what: 'the session has noticed that its server is gone' });

  await expect(session.fetchHeads('INBOX', [uid], ['subject'], ignore)).rejects.toThrow(TransportError);
  await expect(session.fetchMessages('INBOX', [uid], ignore)).rejects.toThrow(TransportError);
  await expect(session.fetchMessage('INBOX', uid, 1_000, 100_000)).rejects.toThrow(TransportError);
  await session.close();
});
