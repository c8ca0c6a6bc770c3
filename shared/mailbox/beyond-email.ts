import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import type { Mailbox } from './mailbox.ts';

/** What a mailbox has that a maildrop cannot have; undefined: nothing. */
export const beyondEmail = ({ workloads, folderRules }: Mailbox): 'act' | 'folderRules' | undefined => {
  if (workloads.act.method !== 'none') return 'act';
  return folderRules.length > 0 ? 'folderRules' : undefined;
};

const refusals = {
  act: {
    pointer: '#/workloads/act/method',
    detail: 'POP3 mailboxes have email only: set the method of act to none first',
  },
  folderRules: {
    pointer: '#/serverProfileId',
    detail: 'POP3 mailboxes have no folders: delete the folder rules of the mailbox first',
  },
};

/** Mail is all that a maildrop has. @throws FaultError notSupported */
export const refuseBeyondEmail = async (
  { store, organization }: { readonly store: EntityStore; readonly organization: { readonly id: string } },
  next: Mailbox,
): Promise<void> => {
  const reason = beyondEmail(next);
  if (reason === undefined || next.serverProfileId === null) return;
  const profile = await store.get(serverProfileKind, organization.id, next.serverProfileId);
  if (profile?.incoming.protocol !== 'pop3') return;
  const { pointer, detail } = refusals[reason];
  throw new FaultError('notSupported', { detail, errors: [{ pointer, code: 'notSupported', detail }] });
};
