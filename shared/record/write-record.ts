import { findOwner } from '../owner/find-owner.ts';
import type { Author } from '../platform/change.ts';
import { createChange, deletedChangeWrite } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { applyMergePatch } from '../platform/merge-patch.ts';
import { findIdentifier, resolveIdentifier } from '../platform/resolve-identifier.ts';
import { refuseField, validate } from '../platform/validate.ts';
import type { Reference } from '../platform/values.ts';
import { addressEntryWrites } from './address-entry.ts';
import { addressHolderOf, changedFieldsOf, hashContent } from './build-record.ts';
import { requireRecordType } from './manage-record-types.ts';
import { presentRecord } from './present-record.ts';
import { type CrmRecord, crmRecordKind } from './record.ts';
import { type RecordInput, type RecordPatch, recordInputSchemaOf } from './record-input.ts';
import { isEmailEnabled } from './record-type.ts';

/** What every write of a record needs. */
export interface RecordWriting {
  readonly store: EntityStore;
  readonly organizationId: string;
  readonly author: Author;
  readonly now: () => Date;
  /** The identifier of a record that is created. */
  readonly newIdentifier: () => string;
}

/** A record as paths and bodies name it: its type, and its id or `ext:` id. */
export interface RecordAddress {
  readonly type: string;
  readonly id: string;
}

export interface Preconditions {
  readonly ifMatch?: number | undefined;
  readonly createOnly?: boolean;
}

const externalPrefix = 'ext:';
const recordBytesLimit = 128 * 1024;
const raceAttempts = 5;

const scopeOf = (type: string): string => `${crmRecordKind.kind}:${type}`;

/** The record's identifier, if the text has the form of one or is a known `ext:` id. */
const findRecordId = (store: EntityStore, organizationId: string, { type, id }: RecordAddress) =>
  findIdentifier(store, organizationId, scopeOf(type), crmRecordKind.prefix, id);

/** @throws FaultError notFound */
export const getRecord = async (
  store: EntityStore,
  organizationId: string,
  address: RecordAddress,
): Promise<CrmRecord> => {
  const id = await resolveIdentifier(store, organizationId, scopeOf(address.type), crmRecordKind.prefix, address.id);
  const record = await store.get(crmRecordKind, organizationId, id);
  // An identifier of another type does not exist below this one.
  if (record === undefined || record.type !== address.type) throw new FaultError('notFound');
  return record;
};

const requireOwnerReference = async (
  { store, organizationId }: RecordWriting,
  text: string,
  pointer: string,
): Promise<Reference> => {
  const found = await findOwner(store, organizationId, ['user', 'team'], text);
  if (found === undefined) throw refuseField(pointer, 'notFound', `There is no user or team ${text}`);
  return { type: found.type, id: found.id };
};

const toInput = (record: CrmRecord): RecordInput => ({
  externalId: record.externalId,
  displayName: record.displayName,
  emails: record.emails,
  ownerId: record.owner?.id ?? null,
  visibleTo: record.visibleTo,
  status: record.status,
  createdAt: record.recordCreatedAt,
  custom: record.custom,
  fields: record.fields,
});

const withPrimary = (emails: RecordInput['emails']): CrmRecord['emails'] => {
  const primary = emails.findIndex((email) => email.primary === true);
  return emails.map(({ address }, index) => ({ address, primary: index === (primary === -1 ? 0 : primary) }));
};

type Content = Omit<CrmRecord, 'id' | 'version' | 'createdAt' | 'updatedAt' | 'type' | 'origin'>;

/** The record's content after the patch. @throws FaultError invalidRequest, with a pointer to each wrong field */
const patchContent = async (
  writing: RecordWriting,
  type: string,
  current: CrmRecord | undefined,
  patch: RecordPatch,
): Promise<Content> => {
  const merged = applyMergePatch(current === undefined ? {} : toInput(current), patch);
  const isKept = current !== undefined && patch.emails === undefined;
  const input = validate(recordInputSchemaOf(type), isKept ? applyMergePatch(merged, { emails: [] }) : merged);
  // What is stored must not stop every other edit: an owner that has gone since, or an address as a sender wrote it.
  const owner =
    input.ownerId === null
      ? null
      : input.ownerId === current?.owner?.id
        ? current.owner
        : await requireOwnerReference(writing, input.ownerId, '#/ownerId');
  const visibleTo: string[] = [];
  for (const [index, text] of input.visibleTo.entries()) {
    const known = current?.visibleTo.includes(text) === true;
    const id = known ? text : (await requireOwnerReference(writing, text, `#/visibleTo/${index}`)).id;
    if (!visibleTo.includes(id)) visibleTo.push(id);
  }
  const owned = {
    displayName: input.displayName,
    emails: isKept ? current.emails : withPrimary(input.emails),
    owner,
    visibleTo,
    status: input.status,
    recordCreatedAt: input.createdAt ?? current?.recordCreatedAt ?? writing.now().toISOString(),
    custom: input.custom,
    fields: input.fields,
  };
  const bytes = Buffer.byteLength(JSON.stringify(owned));
  if (bytes > recordBytesLimit)
    throw refuseField('#', 'outOfRange', `The record has ${bytes} bytes; ${recordBytesLimit} are allowed`);
  return { ...owned, externalId: input.externalId, contentHash: hashContent(owned) };
};

const createRecord = async (
  writing: RecordWriting,
  type: string,
  emailEnabled: boolean,
  externalId: string,
  patch: RecordPatch,
): Promise<CrmRecord> => {
  const { store, organizationId, author } = writing;
  if (patch.externalId != null && patch.externalId !== externalId)
    throw refuseField('#/externalId', 'invalidValue', 'The path names another externalId');
  const content = await patchContent(writing, type, undefined, { ...patch, externalId });
  const now = writing.now();
  const record: CrmRecord = {
    id: writing.newIdentifier(),
    version: 1,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    type,
    origin: author.origin === 'mailbox' ? 'mailbox' : 'crm',
    ...content,
  };
  return store.create(crmRecordKind, organizationId, record, {
    changes: [createChange('record.created', author, now)],
    also: addressEntryWrites(organizationId, undefined, addressHolderOf(record, emailEnabled)),
  });
};

const changeRecord = (
  writing: RecordWriting,
  id: string,
  type: string,
  emailEnabled: boolean,
  patch: RecordPatch,
  ifMatch: number | undefined,
): Promise<CrmRecord> => {
  const { store, organizationId, author, now } = writing;
  return store.update(
    crmRecordKind,
    organizationId,
    id,
    async (current) => {
      if (current.type !== type) throw new FaultError('notFound');
      const next = { ...current, ...(await patchContent(writing, type, current, patch)) };
      const changedFields = changedFieldsOf(current, next);
      if (changedFields.length === 0) return undefined;
      return {
        next,
        changes: [createChange('record.updated', author, now(), changedFields)],
        also: addressEntryWrites(
          organizationId,
          addressHolderOf(current, emailEnabled),
          addressHolderOf(next, emailEnabled),
        ),
      };
    },
    { now, ifMatch },
  );
};

/**
 * Creates the record or, where it exists, edits it: each field that is present is an edit by the CRM.
 *
 * @throws FaultError notFound (unknown type, or an unknown id that is no `ext:` id), invalidRequest, versionMismatch,
 * externalIdTaken
 */
export const putRecord = async (
  writing: RecordWriting,
  address: RecordAddress,
  patch: RecordPatch,
  { ifMatch, createOnly }: Preconditions,
): Promise<{ readonly record: CrmRecord; readonly created: boolean }> => {
  const { store, organizationId } = writing;
  const { type } = address;
  const emailEnabled = isEmailEnabled(type, await requireRecordType(store, organizationId, type));
  for (let attempt = 1; ; attempt += 1) {
    const id = await findRecordId(store, organizationId, address);
    if (id !== undefined) {
      if (createOnly === true) {
        await getRecord(store, organizationId, address);
        throw new FaultError('versionMismatch');
      }
      return { record: await changeRecord(writing, id, type, emailEnabled, patch, ifMatch), created: false };
    }
    if (!address.id.startsWith(externalPrefix)) throw new FaultError('notFound');
    if (ifMatch !== undefined) throw new FaultError('versionMismatch');
    const externalId = address.id.slice(externalPrefix.length);
    try {
      return { record: await createRecord(writing, type, emailEnabled, externalId, patch), created: true };
    } catch (error) {
      // Another request made it in between: then this one is an edit.
      const raced = error instanceof FaultError && error.fault.code === 'externalIdTaken';
      if (!raced || attempt === raceAttempts) throw error;
    }
  }
};

/** @throws FaultError notFound, invalidRequest, versionMismatch, externalIdTaken */
export const patchRecord = async (
  writing: RecordWriting,
  address: RecordAddress,
  patch: RecordPatch,
  ifMatch: number | undefined,
): Promise<CrmRecord> => {
  const { store, organizationId } = writing;
  const { type } = address;
  const emailEnabled = isEmailEnabled(type, await requireRecordType(store, organizationId, type));
  const id = await resolveIdentifier(store, organizationId, scopeOf(type), crmRecordKind.prefix, address.id);
  return changeRecord(writing, id, type, emailEnabled, patch, ifMatch);
};

/** @throws FaultError notFound, versionMismatch */
export const deleteRecord = async (
  writing: RecordWriting,
  address: RecordAddress,
  reason: 'deleted' | 'accessLost',
  ifMatch: number | undefined,
): Promise<void> => {
  const { store, organizationId, author } = writing;
  for (let attempt = 1; ; attempt += 1) {
    const record = await getRecord(store, organizationId, address);
    if (ifMatch !== undefined && ifMatch !== record.version) throw new FaultError('versionMismatch');
    const change = createChange('record.deleted', author, writing.now());
    const { id, externalId } = record;
    const data = { ...presentRecord(record), reason };
    try {
      await store.remove(crmRecordKind, organizationId, id, {
        // The addresses and the event belong to exactly this version.
        ifMatch: record.version,
        also: [
          ...addressEntryWrites(organizationId, addressHolderOf(record, true), undefined),
          deletedChangeWrite(organizationId, change, { type: 'record', id, externalId }, record.version, data),
        ],
      });
      return;
    } catch (error) {
      const raced = error instanceof FaultError && error.fault.code === 'versionMismatch' && ifMatch === undefined;
      if (!raced || attempt === raceAttempts) throw error;
    }
  }
};
