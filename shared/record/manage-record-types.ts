import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { refuseField } from '../platform/validate.ts';
import { isBuiltInRecordType, type RecordType, recordTypeKind, recordTypeSchema } from './record-type.ts';

export const recordTypeInputSchema = z.strictObject({
  displayName: recordTypeSchema.shape.displayName,
  emailEnabled: z.boolean().default(false).meta({ description: 'Records of this type are matched with mail.' }),
  resolutionRank: recordTypeSchema.shape.resolutionRank.default(null).meta({
    description: "Order among the CRM's own types when several records have an address; 1 comes first.",
  }),
});
export type RecordTypeInput = z.output<typeof recordTypeInputSchema>;

export const recordTypeAnswerSchema = z
  .object({
    type: z.string(),
    displayName: z.string(),
    emailEnabled: z.boolean(),
    resolutionRank: z.int().nullable(),
    version: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'RecordType' });

export const presentRecordType = ({ id, ...type }: RecordType): z.output<typeof recordTypeAnswerSchema> => ({
  type: id,
  ...type,
});

// What references already use for things that are no records.
const reservedTypes = ['user', 'queue', 'team', 'mailbox', 'email', 'record'];

/** The CRM's own type; undefined for a built-in one. @throws FaultError notFound when there is no such type */
export const requireRecordType = async (
  store: EntityStore,
  organizationId: string,
  type: string,
): Promise<RecordType | undefined> => {
  if (isBuiltInRecordType(type)) return undefined;
  const own = await store.get(recordTypeKind, organizationId, type);
  if (own === undefined) throw new FaultError('notFound', { detail: `There is no type of record ${type}` });
  return own;
};

/** @throws FaultError invalidRequest (a name that is taken by the hub), versionMismatch */
export const putRecordType = async (
  {
    store,
    organizationId,
    author,
    now,
  }: {
    readonly store: EntityStore;
    readonly organizationId: string;
    readonly author: Author;
    readonly now: () => Date;
  },
  type: string,
  input: RecordTypeInput,
  preconditions: { readonly ifMatch: number | undefined; readonly createOnly: boolean },
): Promise<{ readonly recordType: RecordType; readonly created: boolean }> => {
  if (isBuiltInRecordType(type) || reservedTypes.includes(type))
    throw refuseField('#/path/type', 'reserved', `${type} is a name of the hub's own`);
  const auditOf = (before: RecordType | null, after: RecordType) =>
    auditWrite(organizationId, {
      author,
      now: now(),
      action: before === null ? 'recordType.created' : 'recordType.changed',
      subject: { type: recordTypeKind.kind, id: type },
      before,
      after,
    });
  for (;;) {
    const existing = await store.get(recordTypeKind, organizationId, type);
    if (existing !== undefined) {
      if (preconditions.createOnly) throw new FaultError('versionMismatch');
      const recordType = await store.update(
        recordTypeKind,
        organizationId,
        type,
        (current) => {
          const next = { ...current, ...input };
          return isDeepStrictEqual(current, next) ? undefined : { next, also: [auditOf(current, next)] };
        },
        { now, ifMatch: preconditions.ifMatch },
      );
      return { recordType, created: false };
    }
    if (preconditions.ifMatch !== undefined) throw new FaultError('versionMismatch');
    const at = now().toISOString();
    try {
      const recordType = { id: type, version: 1, createdAt: at, updatedAt: at, ...input };
      const also = [auditOf(null, recordType)];
      return { recordType: await store.create(recordTypeKind, organizationId, recordType, { also }), created: true };
    } catch (error) {
      // Made by another request in between: then this one changes it.
      if (!(error instanceof WriteConditionError)) throw error;
    }
  }
};
