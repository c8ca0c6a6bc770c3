import * as z from 'zod';
import type { Email } from './email.ts';

/** A user with the mailbox that is the user's own. */
export const emailOwnershipSchema = z.object({ userId: z.string(), mailboxId: z.string() });
export type EmailOwnership = z.output<typeof emailOwnershipSchema>;

/** Mail of the user's mailbox, whoever else got it, and what the user wrote in another's name. */
export const isOwnEmail = ({ userId, mailboxId }: EmailOwnership, email: Email): boolean =>
  email.mailboxId === mailboxId || email.receivedByMailboxIds.includes(mailboxId) || email.ownerId === userId;
