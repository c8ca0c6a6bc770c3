import { createTransport, type SendMailOptions, type SentMessageInfo } from 'nodemailer';
import type { MailEnvironment, MailUser } from '../../local/mail-environment.ts';
import { withMailbox } from '../../local/mailbox-client.ts';

export {
  findMailUser,
  listMessages,
  submitMessage,
  waitForMessage,
  withMailbox,
} from '../../local/mailbox-client.ts';

/** Puts a message into a folder as a mail program does (IMAP APPEND); returns its uid. */
export const appendMessage = (
  mail: MailEnvironment,
  user: MailUser,
  raw: string | Buffer,
  {
    folder = 'INBOX',
    flags = [],
    receivedAt,
  }: { readonly folder?: string; readonly flags?: readonly string[]; readonly receivedAt?: Date } = {},
): Promise<number> =>
  withMailbox(mail, user, async (client) => {
    const appended = await client.append(folder, raw, [...flags], receivedAt);
    if (appended === false || appended.uid === undefined) throw new Error(`The server did not append to ${folder}.`);
    return appended.uid;
  });

/** The bytes of one message as the server keeps them. */
export const readMessage = (mail: MailEnvironment, user: MailUser, uid: number, folder = 'INBOX'): Promise<Buffer> =>
  withMailbox(mail, user, async (client) => {
    await client.mailboxOpen(folder, { readOnly: true });
    const fetched = await client.fetchOne(String(uid), { source: true }, { uid: true });
    const source = fetched === undefined || fetched === false ? undefined : fetched.source;
    if (source === undefined) throw new Error(`There is no message ${uid} in ${folder}.`);
    return source;
  });

/** Delivers a message from outside by the MX, without login; returns what the server said. */
export const deliverMessage = (mail: MailEnvironment, message: SendMailOptions): Promise<SentMessageInfo> =>
  createTransport({ host: mail.mx.host, port: mail.mx.port, ignoreTLS: true }).sendMail(message);
