import type * as z from 'zod';
import type { alertAnswerSchema } from '../shared/alert/present-alert.ts';
import type { emailWithBodyAnswerSchema } from '../shared/email/present-email.ts';
import type { MailboxSchedule } from '../shared/mailbox/mailbox-schedule.ts';
import type { mailboxAnswerSchema } from '../shared/mailbox/present-mailbox.ts';
import type { operationAnswerSchema } from '../shared/operation/present-operation.ts';
import type { organizationAnswerSchema } from '../shared/organization/present-organization.ts';
import type { User } from '../shared/owner/owner.ts';
import type { Fault } from '../shared/platform/fault.ts';
import type { sessionAnswerSchema } from '../shared/session/session.ts';

// What the hub answers, for the checks of the page's scripts. Nothing of this file is served.

export type { MailboxSchedule, User };
export type Alert = z.output<typeof alertAnswerSchema>;
export type Mailbox = z.output<typeof mailboxAnswerSchema>;
export type Operation = z.output<typeof operationAnswerSchema>;
export type Organization = z.output<typeof organizationAnswerSchema>;
export type Session = z.output<typeof sessionAnswerSchema>;
export type SignedIn = Session & { readonly token: string };
export type Workload = Mailbox['workloads']['incoming'];
export type WorkloadSchedule = MailboxSchedule['workloads']['incoming'];

/** What an alert's action answers with: a page to go to, long work, or the email that it is about. */
export type ActAnswer = { readonly authorizationUrl: string } | Operation | z.output<typeof emailWithBodyAnswerSchema>;

/** Of one workload, in the result of a test. */
export interface WorkloadTest {
  readonly status: string;
  readonly fault?: Fault;
}

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly nextCursor: string | null;
}
