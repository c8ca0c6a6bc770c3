import { isDeepStrictEqual } from 'node:util';
import { clearAlert } from '../alert/raise-alert.ts';
import { auditWrite } from '../audit/audit-write.ts';
import { requireRegarding } from '../email/create-email.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { refuseRetired, requireMailbox } from '../mailbox/mailbox-context.ts';
import { requireComplete } from '../mailbox/readiness.ts';
import { type VisitContext, visitMailbox } from '../mailbox/visit-mailbox.ts';
import type { Author } from '../platform/change.ts';
import { FaultError } from '../platform/fault.ts';
import { refuseField } from '../platform/validate.ts';
import { directionOf } from '../tracking/find-message.ts';
import type { FolderRule } from './folder-rule.ts';
import type { FolderRuleInput, FolderRulePatch } from './folder-rule-input.ts';

export interface FolderRuleContext extends VisitContext {
  readonly author: Author;
}

const inbox = 'INBOX';

/** @throws FaultError notFound, notSupported, invalidState */
const requireRuleMailbox = async (context: FolderRuleContext, mailboxId: string): Promise<Mailbox> => {
  const mailbox = await requireMailbox(context, mailboxId);
  refuseRetired(mailbox);
  if (mailbox.kind !== 'user')
    throw new FaultError('notSupported', { detail: `A ${mailbox.kind} mailbox has no folder rules` });
  const { incoming } = await requireComplete(context, mailbox);
  if (incoming.protocol !== 'imap')
    throw new FaultError('notSupported', { detail: 'POP3 has no folders, so there are no folder rules' });
  if (!context.organization.settings.tracking.folders.enabled)
    throw new FaultError('notSupported', {
      detail: 'Folder rules are switched off',
      fix: 'Ask an administrator to set tracking.folders.enabled',
    });
  return mailbox;
};

/** @throws FaultError invalidRequest, when there is no such folder; invalidState, unavailable */
const findFolder = async (
  context: FolderRuleContext,
  mailboxId: string,
  folderId: string,
): Promise<Pick<FolderRule, 'folderId' | 'folderIdentity' | 'direction'>> => {
  if (folderId.toUpperCase() === inbox)
    throw refuseField('#/folderId', 'notAllowed', 'The Inbox is looked at anyway, by the filters of its owner');
  return visitMailbox(context, mailboxId, async (session) => {
    const folder = (await session.listFolders()).find(({ id }) => id === folderId);
    if (folder === undefined) throw refuseField('#/folderId', 'notFound', 'The mailbox has no such folder');
    const folderIdentity = (await session.marks?.identityOf(folder.path)) ?? null;
    return { folderId, folderIdentity, direction: directionOf(folder) };
  });
};

const refuseSecond = (rules: readonly FolderRule[], folderId: string, except?: string): void => {
  if (rules.some((rule) => rule.folderId === folderId && rule.id !== except))
    throw new FaultError('invalidState', {
      detail: 'The folder has a rule already',
      fix: 'Change that rule, or name another folder',
    });
};

const changeRules = async (
  { store, organization, author, now }: FolderRuleContext,
  mailboxId: string,
  change: (rules: readonly FolderRule[]) => readonly FolderRule[] | undefined,
): Promise<readonly FolderRule[]> => {
  const mailbox = await store.update(
    mailboxKind,
    organization.id,
    mailboxId,
    (current) => {
      const rules = change(current.folderRules);
      if (rules === undefined) return undefined;
      const next = { ...current, folderRules: [...rules] };
      const act = {
        author,
        now: now(),
        subject: { type: mailboxKind.kind, id: mailboxId },
        before: current,
        after: next,
      };
      return { next, also: [auditWrite(organization.id, { ...act, action: 'mailbox.changed' })] };
    },
    { now },
  );
  return mailbox.folderRules;
};

/** @throws FaultError notFound */
export const listFolderRules = async (
  context: Pick<FolderRuleContext, 'store' | 'organization'>,
  mailboxId: string,
): Promise<readonly FolderRule[]> => (await requireMailbox(context, mailboxId)).folderRules;

/** @throws FaultError notFound */
export const requireFolderRule = (rules: readonly FolderRule[], ruleId: string): FolderRule => {
  const rule = rules.find(({ id }) => id === ruleId);
  if (rule === undefined) throw new FaultError('notFound');
  return rule;
};

/**
 * Has the mail of a folder tracked.
 *
 * @throws FaultError notFound, notSupported, folderRuleLimit, invalidRequest, invalidState, unavailable
 */
export const createFolderRule = async (
  context: FolderRuleContext,
  mailboxId: string,
  ruleId: string,
  input: FolderRuleInput,
): Promise<FolderRule> => {
  const { store, organization, now } = context;
  const { folderRules } = await requireRuleMailbox(context, mailboxId);
  const known = folderRules.find(({ id }) => id === ruleId);
  if (known !== undefined) return known;
  const { maxPerMailbox } = organization.settings.tracking.folders;
  const refuseMore = (rules: readonly FolderRule[]): void => {
    if (rules.length >= maxPerMailbox)
      throw new FaultError('folderRuleLimit', { detail: `A mailbox may have ${maxPerMailbox} folder rules` });
    refuseSecond(rules, input.folderId);
  };
  refuseMore(folderRules);
  const regarding = await requireRegarding(store, organization.id, input.regarding);
  const at = now().toISOString();
  const rule: FolderRule = {
    id: ruleId,
    version: 1,
    createdAt: at,
    updatedAt: at,
    ...(await findFolder(context, mailboxId, input.folderId)),
    regarding,
    reassert: input.reassert ?? false,
    status: 'active',
  };
  const rules = await changeRules(context, mailboxId, (current) => {
    if (current.some(({ id }) => id === ruleId)) return undefined;
    refuseMore(current);
    return [...current, rule];
  });
  return requireFolderRule(rules, ruleId);
};

const requireVersion = (rule: FolderRule, ifMatch: number | undefined): void => {
  if (ifMatch !== undefined && ifMatch !== rule.version) throw new FaultError('versionMismatch');
};

const clearBroken = ({ store, organization, author, now }: FolderRuleContext, ruleId: string): Promise<void> =>
  clearAlert(store, organization.id, 'folderRuleBroken', ruleId, { now: now(), author });

/**
 * Changes a rule; naming a folder mends one that is broken.
 *
 * @throws FaultError as createFolderRule; versionMismatch
 */
export const updateFolderRule = async (
  context: FolderRuleContext,
  mailboxId: string,
  ruleId: string,
  patch: FolderRulePatch,
  ifMatch: number | undefined,
): Promise<FolderRule> => {
  const { store, organization, now } = context;
  const { folderRules } = await requireRuleMailbox(context, mailboxId);
  requireVersion(requireFolderRule(folderRules, ruleId), ifMatch);
  const { folderId, reassert } = patch;
  if (folderId !== undefined) refuseSecond(folderRules, folderId, ruleId);
  const folder =
    folderId === undefined ? {} : { ...(await findFolder(context, mailboxId, folderId)), status: 'active' as const };
  const changed = {
    ...folder,
    ...(patch.regarding === undefined
      ? {}
      : { regarding: await requireRegarding(store, organization.id, patch.regarding) }),
    ...(reassert === undefined ? {} : { reassert: reassert ?? false }),
  };
  const rules = await changeRules(context, mailboxId, (current) => {
    const before = requireFolderRule(current, ruleId);
    requireVersion(before, ifMatch);
    if (folderId !== undefined) refuseSecond(current, folderId, ruleId);
    if (isDeepStrictEqual({ ...before, ...changed }, before)) return undefined;
    const next = { ...before, ...changed, version: before.version + 1, updatedAt: now().toISOString() };
    return current.map((rule) => (rule.id === ruleId ? next : rule));
  });
  const rule = requireFolderRule(rules, ruleId);
  if (rule.status === 'active') await clearBroken(context, ruleId);
  return rule;
};

/**
 * Removes a rule; what it tracked stays tracked.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const removeFolderRule = async (
  context: FolderRuleContext,
  mailboxId: string,
  ruleId: string,
  ifMatch: number | undefined,
): Promise<void> => {
  await changeRules(context, mailboxId, (current) => {
    requireVersion(requireFolderRule(current, ruleId), ifMatch);
    return current.filter(({ id }) => id !== ruleId);
  });
  await clearBroken(context, ruleId);
};
