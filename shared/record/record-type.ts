import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

/** Types of records that every organization has. */
export const builtInRecordTypes = [
  'contact',
  'account',
  'lead',
  'appointment',
  'task',
  'phoneCall',
  'fax',
  'letter',
  'serviceActivity',
  'equipment',
  'businessUnit',
] as const;
export type BuiltInRecordType = (typeof builtInRecordTypes)[number];

const emailEnabledTypes: readonly string[] = ['contact', 'account', 'lead', 'equipment', 'businessUnit'];

export const isBuiltInRecordType = (type: string): type is BuiltInRecordType =>
  builtInRecordTypes.some((builtIn) => builtIn === type);

export const recordTypeNameSchema = z.string().regex(/^[a-z][A-Za-z0-9]{1,49}$/, 'a camelCase name of 2 to 50 letters');

/** A type of record that the CRM brought; its name is its identifier. */
export const recordTypeSchema = z.object({
  ...entityShape,
  displayName: z.string().min(1).max(200),
  /** Whether records of this type have addresses that mail is matched with. */
  emailEnabled: z.boolean(),
  /** Order among the CRM's own types when several records have an address; 1 comes first, null last. */
  resolutionRank: z.int().min(1).max(1000).nullable(),
});
export type RecordType = z.output<typeof recordTypeSchema>;

export const recordTypeKind: EntityKind<RecordType> = {
  kind: 'recordType',
  // Never used: record types go by their name.
  prefix: 'rec',
  parse: (stored) => recordTypeSchema.parse(stored),
};

/** Whether records of the type take part in email; `own` is the CRM's own type of that name, if there is one. */
export const isEmailEnabled = (type: string, own: Pick<RecordType, 'emailEnabled'> | undefined): boolean =>
  isBuiltInRecordType(type) ? emailEnabledTypes.includes(type) : (own?.emailEnabled ?? false);
