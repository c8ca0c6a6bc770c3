import * as z from 'zod';
import { FaultError } from '../platform/fault.ts';
import { type Mailbox, synchronizedWorkloads } from './mailbox.ts';
import { changeMailbox, type MailboxContext } from './mailbox-context.ts';

export const clientIdSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x20-\x7e]+$/, 'printable characters')
  .meta({ description: 'What the mail program calls this installation of itself.' });

export const synchronizingClientInputSchema = z.strictObject({
  clientId: clientIdSchema,
  confirm: z.boolean().default(false).meta({ description: 'Takes the mailbox over from another mail program.' }),
});

/** Whether a mail program does some of the work of the hub's lanes. */
export const usesClient = ({ workloads }: Pick<Mailbox, 'workloads'>): boolean =>
  synchronizedWorkloads.some((name) => workloads[name].method === 'client');

/**
 * A mail program comes forward as the one that delivers and reports for a mailbox.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, otherClientSynchronizing
 */
export const putSynchronizingClient = (
  context: MailboxContext,
  mailboxId: string,
  { clientId, confirm }: z.output<typeof synchronizingClientInputSchema>,
  ifMatch: number | undefined,
): Promise<Mailbox> =>
  changeMailbox(context, mailboxId, ifMatch, async (mailbox) => {
    if (!usesClient(mailbox))
      throw new FaultError('invalidState', {
        detail: 'No workload of the mailbox has the method client',
        fix: 'Set the method of incoming or outgoing to client first',
      });
    const holder = mailbox.synchronizingClient;
    if (holder?.clientId === clientId) return { next: mailbox };
    if (holder !== null && !confirm)
      throw new FaultError('otherClientSynchronizing', {
        detail: `Another mail program has synchronized the mailbox since ${holder.since}`,
      });
    return { next: { ...mailbox, synchronizingClient: { clientId, since: context.now().toISOString() } } };
  });
