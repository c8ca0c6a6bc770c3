import * as z from 'zod';
import { addressSchema } from '../platform/address.ts';
import { transact } from '../platform/transact.ts';
import { requireMailboxQuota } from '../quota/require-quota.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';
import { newMailbox } from './mailbox-edits.ts';
import { mailboxPatchSchema } from './mailbox-input.ts';
import { mailboxWrites } from './mailbox-writes.ts';
import { applyPatch, type PatchContext, refuseUnsupported, requireProfile } from './patch-mailbox.ts';
import { claimAddress } from './takeover.ts';

/** Every other mailbox comes with its user or queue. */
export const forwardMailboxSchema = mailboxPatchSchema.omit({ confirmTakeoverFrom: true }).extend({
  kind: z.literal('forward'),
  emailAddress: addressSchema.meta({
    description: 'Where the rules of the forwarding mailboxes send each message, as an attachment.',
  }),
});
export type ForwardMailboxInput = z.output<typeof forwardMailboxSchema>;

/**
 * Creates a mailbox that takes what others forward. Repeated with the same id it gives what stands.
 *
 * @throws FaultError invalidRequest, notSupported, mailboxAlreadyMapped
 */
export const createForwardMailbox = async (
  context: PatchContext,
  { kind, emailAddress, ...patch }: ForwardMailboxInput,
  id: string,
): Promise<Mailbox> => {
  const { store, organization, author, now } = context;
  return transact(store.table, async () => {
    const existing = await store.get(mailboxKind, organization.id, id);
    if (existing !== undefined) return { writes: [], result: existing };
    await requireProfile(context, patch.serverProfileId ?? null);
    const empty = newMailbox({
      id,
      kind,
      ownerId: null,
      emailAddress,
      serverProfileId: null,
      defaults: { incoming: 'serverSideSync', outgoing: 'none' },
      now: now(),
    });
    refuseUnsupported(empty, patch);
    await requireMailboxQuota(store, organization);
    const next = await applyPatch(context, empty, patch);
    const claimant = { store, organizationId: organization.id, author, now: now() };
    const claim = await claimAddress(claimant, id, null, emailAddress, undefined);
    const { mailbox, writes } = mailboxWrites(store, organization.id, undefined, next, { author, now: now() });
    return { writes: [...writes, ...claim.writes], result: mailbox };
  });
};
