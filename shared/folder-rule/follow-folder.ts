import { raiseAlert } from '../alert/raise-alert.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { createFault } from '../platform/fault.ts';
import type { TrackingRun } from '../tracking/tracking-run.ts';
import type { FolderRule } from './folder-rule.ts';

/** The rules that a cycle follows: of user mailboxes, where the organization has them switched on. */
export const activeRules = ({
  organization,
  mailbox,
}: Pick<TrackingRun, 'organization' | 'mailbox'>): readonly FolderRule[] =>
  organization.settings.tracking.folders.enabled &&
  mailbox.kind === 'user' &&
  mailbox.workloads.incoming.mode === 'active'
    ? mailbox.folderRules.filter(({ status }) => status === 'active')
    : [];

const changeRule = async (
  { store, organization, mailbox, now }: TrackingRun,
  rule: FolderRule,
  change: Pick<FolderRule, 'status'> | Pick<FolderRule, 'folderId'>,
): Promise<void> => {
  const next = (current: Mailbox) => {
    const present = current.folderRules.find(({ id }) => id === rule.id);
    // Changed by a person meanwhile.
    if (present === undefined || present.version !== rule.version) return undefined;
    const changed = { ...present, ...change, version: present.version + 1, updatedAt: now().toISOString() };
    return {
      next: { ...current, folderRules: current.folderRules.map((one) => (one.id === rule.id ? changed : one)) },
    };
  };
  await store.update(mailboxKind, organization.id, mailbox.id, next, { now });
};

/** The folder of a rule is no longer looked at, and its owner is told why. */
export const breakRule = async (run: TrackingRun, rule: FolderRule, detail: string): Promise<void> => {
  const { store, organization, mailbox, now } = run;
  // Told first: a crash in between repeats it, and repeats only count.
  await raiseAlert(store, {
    organizationId: organization.id,
    level: 'error',
    scope: 'mailbox',
    fault: createFault('folderRuleBroken', { detail }),
    subject: { type: 'folderRule', id: rule.id },
    mailboxId: mailbox.id,
    now: now(),
  });
  await changeRule(run, rule, { status: 'broken' });
};

/**
 * The folder of a rule is gone. Where the server names folders by an identity it is looked for under its new name, else
 * the rule is broken and its owner is told.
 *
 * @returns the rule as it goes on; undefined when it is broken
 */
export const followFolder = async (run: TrackingRun, rule: FolderRule): Promise<FolderRule | undefined> => {
  const { session } = run;
  const { marks } = session;
  if (rule.folderIdentity !== null && marks !== undefined)
    for (const { id, path } of await session.listFolders()) {
      if ((await marks.identityOf(path)) !== rule.folderIdentity) continue;
      await changeRule(run, rule, { folderId: id });
      return { ...rule, folderId: id };
    }
  await breakRule(run, rule, `The mailbox has no folder ${rule.folderId} any more`);
  return undefined;
};
