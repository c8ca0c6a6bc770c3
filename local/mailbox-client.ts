import { ImapFlow } from 'imapflow';
import { createTransport, type SendMailOptions, type SentMessageInfo } from 'nodemailer';
import { eventually } from './eventually.ts';
import type { MailEnvironment, MailUser } from './mail-environment.ts';

/** A message as a mail program lists it. */
export type ListedMessage = {
  readonly uid: number;
  /** With its angle brackets. */
  readonly messageId: string | undefined;
  readonly subject: string | undefined;
  readonly flags: readonly string[];
  readonly receivedAt: Date | undefined;
};

/**
 * The user of that address.
 * @throws Error when there is none.
 */
export const findMailUser = (mail: MailEnvironment, address: string): MailUser => {
  const user = mail.users.find((one) => one.address === address);
  if (user === undefined) throw new Error(`There is no mail user ${address}.`);
  return user;
};

/** Logs the user in by IMAP as a mail program does, runs `use`, logs out. */
export const withMailbox = async <Result>(
  mail: MailEnvironment,
  user: MailUser,
  use: (client: ImapFlow) => Promise<Result>,
): Promise<Result> => {
  const client = new ImapFlow({
    host: mail.imap.host,
    port: mail.imap.port,
    secure: true,
    auth: { user: user.username, pass: user.password },
    tls: { ca: mail.caCertificate, servername: 'localhost' },
    logger: false,
  });
  try {
    await client.connect();
    return await use(client);
  } finally {
    // logout() waits for an answer; a connection that never came up has none to give.
    if (client.usable) await client.logout();
    client.close();
  }
};

/** Every message of a folder, in the order of their uids. */
export const listMessages = (
  mail: MailEnvironment,
  user: MailUser,
  folder = 'INBOX',
): Promise<readonly ListedMessage[]> =>
  withMailbox(mail, user, async (client) => {
    const { exists } = await client.mailboxOpen(folder, { readOnly: true });
    if (exists === 0) return [];
    const fetched = await client.fetchAll('1:*', { uid: true, envelope: true, flags: true, internalDate: true });
    return fetched.map(({ uid, envelope, flags, internalDate }) => ({
      uid,
      messageId: envelope?.messageId,
      subject: envelope?.subject,
      flags: [...(flags ?? [])],
      receivedAt: internalDate === undefined ? undefined : new Date(internalDate),
    }));
  });

/** Waits until a message with that Message-ID (in angle brackets) is in the folder [deadline 20 s]. */
export const waitForMessage = (
  mail: MailEnvironment,
  user: MailUser,
  messageId: string,
  { folder = 'INBOX', seconds = 20 }: { readonly folder?: string; readonly seconds?: number } = {},
): Promise<ListedMessage> =>
  eventually(async () => (await listMessages(mail, user, folder)).find((message) => message.messageId === messageId), {
    what: `${messageId} in ${folder} of ${user.address}`,
    seconds,
    everyMilliseconds: 200,
  });

/** Sends a message as the user's mail program does: with login, over TLS. Returns what the server said. */
export const submitMessage = (
  mail: MailEnvironment,
  user: MailUser,
  message: SendMailOptions,
): Promise<SentMessageInfo> =>
  createTransport({
    host: mail.submission.host,
    port: mail.submission.port,
    secure: true,
    auth: { user: user.username, pass: user.password },
    tls: { ca: mail.caCertificate, servername: 'localhost' },
  }).sendMail(message);
