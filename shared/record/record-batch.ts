import * as z from 'zod';
import { type Fault, FaultError, faultSchema } from '../platform/fault.ts';
import { validate } from '../platform/validate.ts';
import { recordPatchSchema } from './record-input.ts';
import { deleteRecord, putRecord, type RecordWriting } from './write-record.ts';

const itemShape = { type: z.string().min(1).max(50), id: z.string().min(1).max(250) };

/** Of each item only what says whom it concerns; the rest is checked item by item, so that one bad item stops no other. */
export const recordBatchSchema = z.strictObject({
  items: z
    .array(z.looseObject({ op: z.enum(['put', 'delete']), ...itemShape }))
    .min(1)
    .max(500),
});
export type RecordBatch = z.output<typeof recordBatchSchema>;
type BatchItem = RecordBatch['items'][number];

const deleteSchema = z.strictObject({ reason: z.enum(['deleted', 'accessLost']).default('deleted') });

export const recordBatchAnswerSchema = z.object({
  results: z.array(
    z.object({
      status: z.int().meta({ description: 'What the single call would have answered.' }),
      id: z.string().optional(),
      fault: faultSchema.optional(),
    }),
  ),
});
type BatchResult = z.output<typeof recordBatchAnswerSchema>['results'][number];

const parallelItems = 8;

const pointToItem = (fault: Fault, index: number): Fault =>
  fault.errors === undefined
    ? fault
    : {
        ...fault,
        errors: fault.errors.map((error) => ({ ...error, pointer: error.pointer.replace('#', `#/items/${index}`) })),
      };

const runItem = async (writing: RecordWriting, item: BatchItem, index: number): Promise<BatchResult> => {
  const { op, type, id, ...rest } = item;
  try {
    if (op === 'delete') {
      const { reason } = validate(deleteSchema, rest);
      await deleteRecord(writing, { type, id }, reason, undefined);
      return { status: 204 };
    }
    const { record, created } = await putRecord(writing, { type, id }, validate(recordPatchSchema, rest), {});
    return { status: created ? 201 : 200, id: record.id };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = pointToItem(error.fault, index);
    return { status: fault.status ?? 500, fault };
  }
};

/**
 * Items that may run side by side: those that can be told apart. An item that is addressed by its identifier, or that
 * renames a record, may concern the same record as any other.
 */
const inLanes = (items: readonly BatchItem[]): readonly (readonly number[])[] => {
  const independent = items.every((item) => item.id.startsWith('ext:') && !Object.hasOwn(item, 'externalId'));
  if (!independent) return [items.map((_, index) => index)];
  const lanes = new Map<string, number[]>();
  for (const [index, item] of items.entries()) {
    const name = `${item.type}#${item.id}`;
    lanes.set(name, [...(lanes.get(name) ?? []), index]);
  }
  return [...lanes.values()];
};

/**
 * Carries out the items, those of one record in their order; the results stand in the order of the items. What an item
 * creates has the identifier of its place: a repeat of a batch that broke off (under its Idempotency-Key the identifiers
 * are the same again) must not give that of a record that stands to another one.
 */
export const runRecordBatch = async (writing: RecordWriting, { items }: RecordBatch): Promise<BatchResult[]> => {
  const results = new Map<number, BatchResult>();
  const identifiers = items.map(() => writing.newIdentifier());
  const waiting = [...inLanes(items)];
  const work = async (): Promise<void> => {
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift())
      for (const index of lane) {
        const item = items[index];
        const identifier = identifiers[index];
        if (item === undefined || identifier === undefined) continue;
        results.set(index, await runItem({ ...writing, newIdentifier: () => identifier }, item, index));
      }
  };
  await Promise.all(Array.from({ length: parallelItems }, work));
  return [...results].sort(([one], [other]) => one - other).map(([, result]) => result);
};
