import * as z from 'zod';
import { mailboxKind } from '../../shared/mailbox/mailbox.ts';
import type { PatchContext } from '../../shared/mailbox/patch-mailbox.ts';
import type { StartContext } from '../../shared/mailbox/start-test.ts';
import { resolveIdentifier } from '../../shared/platform/resolve-identifier.ts';
import { requireOwn } from './ownership.ts';
import { resourceIdSchema } from './read-input.ts';
import type { OrganizationContext } from './route.ts';

/** Of every route below a mailbox. */
export const mailboxPathSchema = z.strictObject({ mailboxId: resourceIdSchema });

type MailboxRequest = OrganizationContext<z.output<typeof mailboxPathSchema>, unknown, unknown>;

/** @throws FaultError notFound */
export const resolveMailboxId = async ({
  services: { store },
  organization,
  path,
  caller,
}: MailboxRequest): Promise<string> => {
  const id = await resolveIdentifier(store, organization.id, mailboxKind.kind, mailboxKind.prefix, path.mailboxId);
  requireOwn(caller, ({ mailboxId }) => mailboxId === id);
  return id;
};

/** What the domain works with when a request changes mailboxes or starts work on them. */
export const mailboxContextOf = ({
  services,
  organization,
  author,
}: OrganizationContext<unknown, unknown, unknown>): StartContext & PatchContext => ({
  store: services.store,
  cycles: services.cycles,
  queues: services.queues,
  operationWatch: services.operationWatch,
  vault: services.vault,
  now: services.now,
  organization,
  author,
});
