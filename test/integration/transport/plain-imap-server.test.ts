import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import type { ImapSession } from '../../../shared/transport/imap/imap-session.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { type MailServers, startTestMailServers } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';

/** As old servers are: all folders below the Inbox, and nothing beyond RFC 3501 but NAMESPACE. */
let servers: MailServers;
let session: ImapSession;

beforeAll(async () => {
  servers = await startTestMailServers({ imap: { prefix: 'INBOX.', capabilities: ['IMAP4rev1', 'NAMESPACE'] } });
  const mail = servers.environment;
  const { username, password } = findMailUser(mail, 'user2@example.test');
  session = await openImapSession(
    { ...mail.imap, caCertificates: mail.caCertificate, timeoutSeconds: 10 },
    { authentication: 'password', username, password },
    createDialler(createHostPolicy(['127.0.0.0/8'])),
    { deadline: Date.now() + 60_000 },
  );
});

afterAll(async () => {
  await session?.close();
  await servers.stop();
});

const content = buildMessage(ordinaryHeaders());

const validityOf = async (folder: string): Promise<string> => (await session.status(folder))?.uidValidity ?? '';

describe('a server without UIDPLUS, MOVE, CONDSTORE and SPECIAL-USE, whose folders stand below the Inbox', () => {
  it('tells its folders and which one is for what was sent', async () => {
    const folders = await session.listFolders();

    expect(folders).toContainEqual({ id: 'INBOX', path: 'INBOX', role: 'inbox' });
    expect(folders).toContainEqual({ id: 'INBOX.Sent', path: 'INBOX.Sent', role: 'sent' });
  });

  it('is read by UIDs', async () => {
    for (const flags of [[], ['\\Seen']]) await session.append('INBOX', content, flags);
    const status = await session.status('INBOX');

    expect(status).toMatchObject({ uidNext: 3, messages: 2, modseq: undefined });
    expect(await session.listUids('INBOX', 1)).toEqual([2]);
    expect(await session.stillListed('INBOX', [1, 2, 3])).toEqual([1, 2]);
    expect(await session.fetchMessage('INBOX', 2, content.length, 1_000_000)).toEqual(content);
  });

  it('makes new folders below the Inbox and finds them by both names', async () => {
    await session.createFolder('Clients & Кo');
    await session.append('Clients & Кo', content, []);

    expect(await session.status('INBOX.Clients & Кo')).toMatchObject({ messages: 1 });
    expect(await session.status('INBOX.Nowhere')).toBeUndefined();
  });

  it('moves and deletes the named messages, and leaves what others marked as deleted', async () => {
    const folder = 'INBOX.Clients & Кo';
    for (const flags of [['\\Deleted'], []]) await session.append(folder, content, flags);
    const validity = await validityOf(folder);

    expect(await session.marks?.moveMessages(folder, validity, [1], 'Undeliverable')).toBe(true);
    await session.deleteMessages(folder, validity, [3]);

    expect(await session.listUids('INBOX.Undeliverable', 0)).toEqual([1]);
    expect(await session.listUids(folder, 0)).toEqual([1, 2, 3]);
    expect(await servers.dovecot.doveadm('search', '-u', 'user2@example.test', 'mailbox', folder, 'deleted')).toMatch(
      /(?:\S+ [123]\n){3}/,
    );
  });

  it('keeps keywords', async () => {
    const validity = await validityOf('INBOX');

    expect(await session.marks?.changeKeywords('INBOX', validity, [2], { add: ['Tracked'] })).toBe(true);
    expect(await session.marks?.listKeyword('INBOX', 'Tracked')).toEqual([2]);
  });
});
