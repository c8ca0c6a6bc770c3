import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import type { MessageHead } from '../../../shared/transport/mailbox-session.ts';
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

interface ResponseHandler {
  handleResponse(answer: { readonly payload: Buffer }): Promise<boolean>;
}

const ignore = (): void => undefined;

it('spares the library the answers to a FETCH of many messages, which it would write out for its log', async () => {
  const mail = servers.environment;
  const user = findMailUser(mail, 'user2@example.test');
  const content = buildMessage(ordinaryHeaders());
  const uids = [await appendMessage(mail, user, content), await appendMessage(mail, user, content)];
  const session = await openImapSession(
    { ...mail.imap, caCertificates: mail.caCertificate, timeoutSeconds: 10 },
    { authentication: 'password', username: user.username, password: user.password },
    createDialler(createHostPolicy(['127.0.0.0/8'])),
    { deadline: Date.now() + 60_000 },
  );
  const library = vi.spyOn(ImapFlow.prototype as unknown as ResponseHandler, 'handleResponse');
  const heads: MessageHead[] = [];
  const contents = new Map<number, string>();

  await session.fetchHeads('INBOX', uids, ['subject'], (head) => heads.push(head));
  await session.fetchMessages('INBOX', uids, (uid, bytes) => contents.set(uid, bytes.toString('latin1')));

  const lines = library.mock.calls.map(([{ payload }]) => payload.toString('latin1'));
  library.mockRestore();
  await session.close();
  expect(heads.map(({ uid }) => uid)).toEqual(uids);
  expect(heads[0]).toMatchObject({ sizeBytes: content.length, receivedAt: expect.any(Date) });
  expect(heads[0]?.header.toString('latin1')).toMatch(/^Subject: .*\r\n\r\n$/s);
  expect([...contents]).toEqual(uids.map((uid) => [uid, content.toString('latin1')]));
  expect(lines).toContainEqual(expect.stringMatching(/ OK .*Fetch completed/));
  expect(lines.filter((line) => /^\* \d+ FETCH /.test(line))).toEqual([]);
});

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
