import { alignCycles, type CycleDependencies } from '../mailbox/align-cycles.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { newMailbox, setAddress, transitionWorkloads } from '../mailbox/mailbox-edits.ts';
import { mailboxWrites } from '../mailbox/mailbox-writes.ts';
import { claimAddress, type TakeoverContext } from '../mailbox/takeover.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import { FaultError } from '../platform/fault.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { applyMergePatch } from '../platform/merge-patch.ts';
import { type RecordWrite, recordKey } from '../platform/records-table.ts';
import { resolveIdentifier } from '../platform/resolve-identifier.ts';
import { transact } from '../platform/transact.ts';
import { refuseField, validate } from '../platform/validate.ts';
import { requireMailboxQuota } from '../quota/require-quota.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import type { MailboxPart, OwnerDefinition, OwnerEntity } from './owner-definitions.ts';
import { ownerAudit, ownerWrites } from './owner-writes.ts';

export interface OwnerInput {
  readonly emailAddress: string | null;
  readonly externalId: string | null;
  readonly confirmTakeoverFrom?: string | undefined;
}

export interface OwnerContext extends CycleDependencies {
  readonly organization: Organization;
  readonly author: Author;
  readonly now: () => Date;
}

export interface OwnerOutcome<Item> {
  readonly owner: Item;
  readonly created: boolean;
}

interface Decision<Item> {
  readonly writes: readonly RecordWrite[];
  readonly result: OwnerOutcome<Item> & { readonly mailboxIds: readonly string[] };
}

const takeoverContext = ({ store, organization, author, now }: OwnerContext): TakeoverContext => ({
  store,
  organizationId: organization.id,
  author,
  now: now(),
});

const refuseTakenExternalId = async (
  { store, organization }: OwnerContext,
  scope: string,
  externalId: string | null,
  ownId: string | undefined,
): Promise<void> => {
  if (externalId === null) return;
  const holder = await store.findByExternalId(organization.id, scope, externalId);
  if (holder !== undefined && holder !== ownId) throw new FaultError('externalIdTaken');
};

/** The server profile that new mailboxes get, unless it has been deleted since it was chosen. */
const defaultProfile = async ({ store, organization }: OwnerContext): Promise<string | null> => {
  const id = organization.settings.newMailboxes.serverProfileId;
  return id !== null && (await store.get(serverProfileKind, organization.id, id)) !== undefined ? id : null;
};

const deactivated = (mailbox: Mailbox): Mailbox =>
  transitionWorkloads(mailbox, { type: 'disable', by: 'ownerInactive' });

const decideCreation = async <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  input: Input,
  id: string,
  userNumber: () => Promise<number>,
): Promise<Decision<Item>> => {
  const { store, organization, author, now } = context;
  const { confirmTakeoverFrom, ...given } = input;
  const existing = await store.get(definition.kind, organization.id, id);
  if (existing !== undefined) return { writes: [], result: { owner: existing, created: true, mailboxIds: [] } };
  await refuseTakenExternalId(context, definition.kind.kind, input.externalId, undefined);
  const fields = await definition.resolve(store, organization.id, given);
  const at = now();
  const identity = { id, version: 1, createdAt: at.toISOString(), updatedAt: at.toISOString() };
  if (definition.type === 'team') {
    const team = definition.create(identity, fields, { mailboxId: '', userNumber: 0 });
    const { writes } = ownerWrites(definition, store, organization.id, undefined, team, at);
    const noted = ownerAudit(organization.id, 'team', undefined, team, { author, now: at });
    return { writes: [...writes, noted], result: { owner: team, created: true, mailboxIds: [] } };
  }
  const mailbox = newMailbox({
    kind: definition.type,
    ownerId: id,
    emailAddress: input.emailAddress,
    serverProfileId: await defaultProfile(context),
    defaults: organization.settings.newMailboxes,
    now: at,
  });
  await requireMailboxQuota(store, organization);
  const part: MailboxPart = { mailboxId: mailbox.id, userNumber: await userNumber() };
  const owner = definition.create(identity, fields, part);
  const claim = await claimAddress(takeoverContext(context), mailbox.id, null, input.emailAddress, confirmTakeoverFrom);
  const first = definition.isActive(owner) ? mailbox : deactivated(mailbox);
  return {
    writes: [
      ...ownerWrites(definition, store, organization.id, undefined, owner, at).writes,
      ...mailboxWrites(store, organization.id, undefined, first, { author, now: at }).writes,
      ...claim.writes,
      ownerAudit(organization.id, definition.type, undefined, owner, { author, now: at }),
    ],
    result: {
      owner,
      created: true,
      mailboxIds: claim.dispossessed === undefined ? [] : [claim.dispossessed],
    },
  };
};

const decideChange = async <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  current: Item,
  patch: unknown,
): Promise<Decision<Item>> => {
  const { store, organization, author, now } = context;
  const { confirmTakeoverFrom, ...given } = validate(
    definition.inputSchema,
    applyMergePatch(definition.fieldsOf(current), patch),
  );
  if (given.externalId !== current.externalId)
    await refuseTakenExternalId(context, definition.kind.kind, given.externalId, current.id);
  const fields = await definition.resolve(store, organization.id, given);
  const changed = ownerWrites(definition, store, organization.id, current, definition.change(current, fields), now());
  const ownWrites =
    changed.writes.length === 0
      ? []
      : [
          ...changed.writes,
          ownerAudit(organization.id, definition.type, current, changed.owner, { author, now: now() }),
        ];
  const unchanged = { owner: changed.owner, created: false };
  const mailboxId = definition.mailboxIdOf(current);
  const mailbox = mailboxId === null ? undefined : await store.get(mailboxKind, organization.id, mailboxId);
  if (mailbox === undefined) return { writes: ownWrites, result: { ...unchanged, mailboxIds: [] } };

  const claim = await claimAddress(
    takeoverContext(context),
    mailbox.id,
    mailbox.emailAddress,
    given.emailAddress,
    confirmTakeoverFrom,
  );
  const readdressed = setAddress(mailbox, given.emailAddress);
  const next = definition.isActive(changed.owner) ? readdressed : deactivated(readdressed);
  return {
    writes: [
      ...ownWrites,
      ...mailboxWrites(store, organization.id, mailbox, next, { author, now: now() }).writes,
      ...claim.writes,
    ],
    result: {
      ...unchanged,
      mailboxIds: [mailbox.id, ...(claim.dispossessed === undefined ? [] : [claim.dispossessed])],
    },
  };
};

export const carryOut = async <Item>(
  context: OwnerContext,
  decide: () => Promise<Decision<Item>>,
): Promise<OwnerOutcome<Item>> => {
  const { mailboxIds, ...outcome } = await transact(context.store.table, decide);
  for (const mailboxId of mailboxIds) await alignCycles(context, context.organization.id, mailboxId);
  return outcome;
};

/** Counts the users and queues of an organization from 1; one number per call however often the transaction is tried. */
const userNumbers = ({ store, organization }: OwnerContext): (() => Promise<number>) => {
  let taken: Promise<number> | undefined;
  return () => {
    taken ??= store.table.increment(recordKey(organization.id, 'counter', 'userNumber'));
    return taken;
  };
};

/**
 * Creates an owner and, for users and queues, its one mailbox, together. Repeated with the same id it finds the first.
 *
 * @throws FaultError externalIdTaken, mailboxAlreadyMapped, invalidRequest
 */
export const createOwner = <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  input: Input,
  id: string,
): Promise<OwnerOutcome<Item>> => {
  const userNumber = userNumbers(context);
  return carryOut(context, () => decideCreation(context, definition, input, id, userNumber));
};

export interface Preconditions {
  readonly ifMatch: number | undefined;
  /** Create only: refuse when it exists. */
  readonly createOnly?: boolean;
}

export const load = async <Item extends OwnerEntity, Input extends OwnerInput>(
  { store, organization }: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  id: string,
  ifMatch: number | undefined,
): Promise<Item> => {
  const current = await store.get(definition.kind, organization.id, id);
  if (current === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== current.version) throw new FaultError('versionMismatch');
  return current;
};

/** @throws FaultError notFound, versionMismatch, externalIdTaken, mailboxAlreadyMapped, invalidRequest */
export const changeOwner = <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  idText: string,
  patch: unknown,
  { ifMatch }: Preconditions,
): Promise<OwnerOutcome<Item>> =>
  carryOut(context, async () => {
    const { store, organization } = context;
    const { kind, prefix } = definition.kind;
    const id = await resolveIdentifier(store, organization.id, kind, prefix, idText);
    return decideChange(context, definition, await load(context, definition, id, ifMatch), patch);
  });

const externalPrefix = 'ext:';

/**
 * PUT: changes what is there, or creates it under its externalId. Each field that is present is an edit, null resets
 * one; absent fields stay as they are, since the address may have been changed on the mailbox.
 *
 * @throws FaultError as createOwner and changeOwner
 */
export const putOwner = <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  idText: string,
  patch: unknown,
  { ifMatch, createOnly = false }: Preconditions,
): Promise<OwnerOutcome<Item>> => {
  const { store, organization } = context;
  if (!idText.startsWith(externalPrefix)) {
    if (createOnly) throw new FaultError('versionMismatch');
    return changeOwner(context, definition, idText, patch, { ifMatch });
  }
  const externalId = idText.slice(externalPrefix.length);
  const newId = createIdentifier(definition.kind.prefix, context.now().getTime());
  const userNumber = userNumbers(context);
  const find = () => store.findByExternalId(organization.id, definition.kind.kind, externalId);
  const change = async (id: string): Promise<Decision<Item>> => {
    if (createOnly) throw new FaultError('versionMismatch');
    return decideChange(context, definition, await load(context, definition, id, ifMatch), patch);
  };
  return carryOut(context, async () => {
    const id = await find();
    if (id !== undefined) return change(id);
    if (ifMatch !== undefined) throw new FaultError('versionMismatch');
    const input = validate(definition.inputSchema, applyMergePatch({ externalId }, patch));
    if (input.externalId !== externalId)
      throw refuseField('#/externalId', 'mismatch', `The path says ${externalId}, the body another externalId`);
    try {
      return await decideCreation(context, definition, input, newId, userNumber);
    } catch (error) {
      // Another request may have created the very same owner meanwhile; then this one changes it.
      const created = error instanceof FaultError ? await find() : undefined;
      if (created === undefined) throw error;
      return change(created);
    }
  });
};
