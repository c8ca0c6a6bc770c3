import type { Mailbox } from './mailbox.ts';

/** The name that a mailbox logs in with: the one it was given, else its address. */
export const loginName = (mailbox: Pick<Mailbox, 'credentials' | 'emailAddress'>): string | null =>
  mailbox.credentials.username ?? mailbox.emailAddress;
