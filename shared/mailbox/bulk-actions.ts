import { childOperationId } from '../operation/create-operation.ts';
import type { Operation } from '../operation/operation.ts';
import { refuseField } from '../platform/validate.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import { refuseBeyondEmail } from './beyond-email.ts';
import type { BulkInput } from './bulk-input.ts';
import type { Mailbox } from './mailbox.ts';
import {
  decideApproval,
  disableWorkloads,
  enableWorkloads,
  requireAddress,
  requireEnableable,
} from './mailbox-actions.ts';
import { changeMailbox, refuseRetired, requireMailbox } from './mailbox-context.ts';
import { setServerProfile, transitionWorkloads } from './mailbox-edits.ts';
import { chosenWorkloads } from './readiness.ts';
import { requireSynchronizable, startSynchronize } from './start-synchronize.ts';
import { requireTestable, type StartContext, startTest } from './start-test.ts';

/** `operation`: the item is done when that one has ended. */
export type ActionOutcome = 'done' | { readonly operation: Operation };

const requireProfile = async ({ store, organization }: StartContext, serverProfileId: string): Promise<void> => {
  if ((await store.get(serverProfileKind, organization.id, serverProfileId)) === undefined)
    throw refuseField('#/arguments/serverProfileId', 'notFound', `There is no server profile ${serverProfileId}`);
};

const withProfile = async (context: StartContext, mailbox: Mailbox, serverProfileId: string): Promise<Mailbox> => {
  await requireProfile(context, serverProfileId);
  const next = setServerProfile(mailbox, serverProfileId);
  await refuseBeyondEmail(context, next);
  return next;
};

/** The profile and methods that a new mailbox would get. */
const withDefaults = async (context: StartContext, mailbox: Mailbox): Promise<Mailbox> => {
  const { serverProfileId, incoming, outgoing } = context.organization.settings.newMailboxes;
  const connected = serverProfileId === null ? mailbox : await withProfile(context, mailbox, serverProfileId);
  return transitionWorkloads(
    transitionWorkloads(connected, { type: 'setMethod', method: incoming }, ['incoming']),
    { type: 'setMethod', method: outgoing },
    ['outgoing'],
  );
};

/**
 * Says whether the action would be refused for this mailbox as it is now. Changes nothing.
 *
 * @throws FaultError
 */
export const checkAction = async (context: StartContext, mailboxId: string, request: BulkInput): Promise<void> => {
  const mailbox = await requireMailbox(context, mailboxId);
  refuseRetired(mailbox);
  switch (request.action) {
    case 'testAndEnable':
      await requireTestable(context, mailbox, request.arguments);
      return;
    case 'enable':
      await requireEnableable(context, mailbox, request.arguments.workloads);
      return;
    case 'disable':
      chosenWorkloads(mailbox, request.arguments.workloads);
      return;
    case 'sync':
      await requireSynchronizable(context, mailboxId, request.arguments.workloads);
      return;
    case 'setProfile':
      await withProfile(context, mailbox, request.arguments.serverProfileId);
      return;
    case 'applyDefaults':
      await withDefaults(context, mailbox);
      return;
    case 'approve':
      requireAddress(mailbox);
      return;
  }
};

/** Does the action to one mailbox. Can be repeated. @throws FaultError */
export const runAction = async (
  context: StartContext,
  mailboxId: string,
  request: BulkInput,
  parent: NonNullable<Operation['parent']>,
): Promise<ActionOutcome> => {
  switch (request.action) {
    case 'approve':
      await decideApproval(context, mailboxId, 'approved', undefined);
      return 'done';
    case 'enable':
      await enableWorkloads(context, mailboxId, request.arguments.workloads, undefined);
      return 'done';
    case 'disable':
      await disableWorkloads(context, mailboxId, request.arguments.workloads, undefined);
      return 'done';
    case 'setProfile':
      await changeMailbox(context, mailboxId, undefined, async (mailbox) => ({
        next: await withProfile(context, mailbox, request.arguments.serverProfileId),
      }));
      return 'done';
    case 'applyDefaults':
      await changeMailbox(context, mailboxId, undefined, async (mailbox) => ({
        next: await withDefaults(context, mailbox),
      }));
      return 'done';
    case 'testAndEnable': {
      const options = { operationId: childOperationId(parent), parent };
      return { operation: await startTest(context, mailboxId, request.arguments, options) };
    }
    case 'sync':
      return { operation: await startSynchronize(context, mailboxId, request.arguments.workloads, { parent }) };
  }
};
