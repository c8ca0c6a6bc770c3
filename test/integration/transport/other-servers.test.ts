import { afterEach, describe, expect, it } from 'vitest';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import type { ImapSession } from '../../../shared/transport/imap/imap-session.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import { openSmtpSession } from '../../../shared/transport/smtp/open-smtp-session.ts';
import type { TransportError } from '../../../shared/transport/transport-error.ts';
import { type LineAnswer, type LineServer, startLineServer } from '../../support/line-server.ts';

let server: LineServer;

afterEach(async () => {
  await server.stop();
});

const targetOf = (security: 'none' | 'startTls' | 'tls') => ({
  host: '127.0.0.1',
  port: server.port,
  security,
  caCertificates: null,
  timeoutSeconds: 10,
});
const credentials = { authentication: 'password', username: 'anna', password: 'secret' } as const;
const dialler = createDialler(createHostPolicy(['127.0.0.0/8']));
const openImap = () => openImapSession(targetOf('none'), credentials, dialler, { deadline: Date.now() + 30_000 });
const openSmtp = (security: 'startTls' | 'tls') =>
  openSmtpSession(targetOf(security), credentials, dialler, { deadline: Date.now() + 30_000 });

/** `CODE class level`, and what the server is said to have done. */
const failureOf = async (attempt: Promise<unknown>): Promise<{ readonly code: string; readonly detail: string }> => {
  const error = await attempt.then(
    () => expect.unreachable('It went well'),
    (failure: TransportError) => failure,
  );
  return { code: `${error.fault.code} ${error.class} ${error.level}`, detail: error.fault.detail ?? '' };
};

/** Answers commands of IMAP by their names; what is not named is well. `TAG` stands for the command's tag. */
const speakImap =
  (answers: Readonly<Record<string, string>>): (() => LineAnswer) =>
  () =>
  (line) => {
    const [tag = '', command = ''] = line.split(' ');
    return (answers[command.toUpperCase()] ?? 'TAG OK done\r\n').replaceAll('TAG', tag);
  };

describe('an IMAP server', () => {
  it('of Exchange, which names the command where a login by AUTHENTICATE fails, refuses the credentials', async () => {
    server = await startLineServer(
      '* OK The Microsoft Exchange IMAP4 service is ready.\r\n',
      speakImap({
        CAPABILITY:
          '* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+\r\nTAG OK CAPABILITY completed.\r\n',
        AUTHENTICATE: 'TAG NO AUTHENTICATE failed.\r\n',
      }),
    );

    expect(await failureOf(openImap())).toEqual({
      code: 'authenticationFailed refused mailbox',
      detail: 'The server answered the login: AUTHENTICATE failed.',
    });
  });

  it('that closes the connection at once may have too many of them', async () => {
    server = await startLineServer(undefined, speakImap({}));

    expect(await failureOf(openImap())).toEqual({
      code: 'connectFailed transient profile',
      detail: 'The server closed the connection before the login',
    });
  });

  it('that refuses to create a folder which is there, and gives no code for it, has it', async () => {
    const there = '* STATUS Sent (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)\r\nTAG OK STATUS Completed.\r\n';
    server = await startLineServer(
      '* OK [CAPABILITY IMAP4rev1] Courier-IMAP ready.\r\n',
      speakImap({ CREATE: 'TAG NO Cannot create this folder.\r\n', STATUS: there }),
    );
    const session = await openImap();

    await expect(session.createFolder('Sent')).resolves.toBeUndefined();

    await session.close();
  });

  it('that refuses to create a folder which is not there has failed', async () => {
    server = await startLineServer(
      '* OK [CAPABILITY IMAP4rev1] ready\r\n',
      speakImap({ CREATE: 'TAG NO Permission denied\r\n', STATUS: 'TAG NO No such mailbox\r\n' }),
    );
    const session = await openImap();

    expect(await failureOf(session.createFolder('Sent'))).toMatchObject({
      detail: expect.stringContaining('Permission'),
    });

    await session.close();
  });
  const opened = '* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\nTAG OK [READ-ONLY] done\r\n';
  const headOf = (uid: number): string =>
    `* ${uid} FETCH (UID ${uid} RFC822.SIZE 9 INTERNALDATE "01-Dec-2026 00:00:00 +0000" BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: x\r\n\r\n)\r\n`;
  const fetchHeads = async (session: ImapSession, uids: readonly number[]): Promise<readonly number[]> => {
    const came: number[] = [];
    await session.fetchHeads('INBOX', uids, ['subject'], ({ uid }) => came.push(uid));
    return came;
  };

  it('of Exchange that says how long it wants to be left alone is left at once', async () => {
    const throttled = 'TAG BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds\r\n';
    server = await startLineServer(
      '* OK [CAPABILITY IMAP4rev1] ready\r\n',
      speakImap({ EXAMINE: opened, STATUS: throttled, UID: throttled }),
    );

    for (const ask of [(one: ImapSession) => one.status('INBOX'), (one: ImapSession) => fetchHeads(one, [1, 2])]) {
      const session = await openImap();
      const error = await ask(session).catch((failure: unknown) => failure);

      expect(error).toMatchObject({ class: 'throttled', fault: { code: 'throttled' }, retryAfterSeconds: 93 });
    }
  });

  it('of Exchange that refuses a whole FETCH for one message sends the others', async () => {
    server = await startLineServer('* OK [CAPABILITY IMAP4rev1] ready\r\n', () => {
      const answer = speakImap({ EXAMINE: opened })();
      return (line, socket) => {
        const [tag, , command, uids] = line.split(' ');
        if (command !== 'FETCH') return answer(line, socket);
        if (uids === '1:3') return `${headOf(1)}${tag} BAD Command Error. 12\r\n`;
        return uids === '3' ? `${headOf(3)}${tag} OK done\r\n` : `${tag} BAD Command Error. 12\r\n`;
      };
    });
    const session = await openImap();

    expect(await fetchHeads(session, [1, 2, 3])).toEqual([1, 3]);
    expect(await failureOf(fetchHeads(session, [2]))).toEqual({
      code: 'serverError transient mailbox',
      detail: 'The server answered: Command Error. 12',
    });

    await session.close();
  });
});

describe('an SMTP server', () => {
  it('that breaks the handshake off after STARTTLS is told by what TLS said', async () => {
    server = await startLineServer('220 mx.example.test ESMTP\r\n', () => (line, socket) => {
      if (/^EHLO/i.test(line)) return '250-mx.example.test\r\n250 STARTTLS\r\n';
      // What a client says of TLS may happen to hold the end of a line.
      if (line !== 'STARTTLS') return '';
      // A fatal alert, internal_error (RFC 5246 section 7.2), as from a server that cannot use its key.
      socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 80])));
      return '220 Go ahead\r\n';
    });

    expect(await failureOf(openSmtp('startTls'))).toEqual({
      code: 'connectFailed transient profile',
      detail: 'TLS failed: tlsv1 alert internal error',
    });
  });

  it('without TLS from the start is told by what TLS said, too', async () => {
    server = await startLineServer('220 mx.example.test ESMTP\r\n', () => () => '500 What?\r\n');

    expect(await failureOf(openSmtp('tls'))).toEqual({
      code: 'connectFailed transient profile',
      detail: 'TLS failed: wrong version number',
    });
  });
});
