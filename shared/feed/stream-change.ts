import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord, StreamRecord } from 'aws-lambda';
import * as z from 'zod';
import { actorSchema, changeSchema, laneMessageSchema, originSchema } from '../platform/change.ts';

// Looser than the schema of writers: an item of a newer version may name a change that this one does not know.
const readChangeSchema = changeSchema.extend({ type: z.string(), origin: originSchema, actor: actorSchema });
export type ReadChange = z.output<typeof readChangeSchema>;
export type RepeatedMessage = z.output<typeof laneMessageSchema>;

/** What one record of the stream asks for. */
export interface StreamChange {
  readonly organizationId: string;
  readonly kind: string;
  readonly sequenceNumber: string;
  /** Epoch milliseconds, in whole seconds. */
  readonly writtenAt: number;
  /** What the write told: without what the item had told before. */
  readonly changes: readonly ReadChange[];
  readonly laneMessages: readonly RepeatedMessage[];
  /** The mailbox whose outbox got a new entry. */
  readonly wakes: string | undefined;
  readonly entity: unknown;
  /** What in `emits` and `laneMessages` could not be read. */
  readonly unreadable: readonly string[];
}

type Image = Readonly<Record<string, unknown>>;

const readImage = (image: StreamRecord['NewImage']): Image | undefined =>
  image === undefined ? undefined : unmarshall(image as Record<string, AttributeValue>);

const listOf = (image: Image | undefined, attribute: string): readonly unknown[] => {
  const value = image?.[attribute];
  return Array.isArray(value) ? value : [];
};

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

/** Entries of a list attribute that the old image did not have; updates leave those of earlier writes in place. */
const readAdded = <Schema extends z.ZodType>(
  images: { readonly before: Image | undefined; readonly after: Image },
  attribute: string,
  key: string,
  schema: Schema,
  unreadable: string[],
): z.output<Schema>[] => {
  const known = new Set(listOf(images.before, attribute).map((entry) => fieldOf(entry, key)));
  return listOf(images.after, attribute)
    .filter((entry) => !known.has(fieldOf(entry, key)))
    .flatMap((entry) => {
      const outcome = schema.safeParse(entry);
      if (outcome.success) return [outcome.data];
      unreadable.push(`${attribute}: ${z.prettifyError(outcome.error)}`);
      return [];
    });
};

/** Undefined for what concerns nobody here: removals, and items without an organization. */
export const readStreamRecord = (record: DynamoDBRecord): StreamChange | undefined => {
  const { NewImage, OldImage, SequenceNumber, ApproximateCreationDateTime } = record.dynamodb ?? {};
  const after = readImage(NewImage);
  if (after === undefined || SequenceNumber === undefined) return undefined;
  const { organizationId, kind } = after;
  if (typeof organizationId !== 'string' || typeof kind !== 'string') return undefined;
  const images = { before: readImage(OldImage), after };
  const unreadable: string[] = [];
  const changes = readAdded(images, 'emits', 'id', readChangeSchema, unreadable);
  const laneMessages = readAdded(images, 'laneMessages', 'deduplicationId', laneMessageSchema, unreadable);
  const mailboxId =
    kind === 'outbox' && images.before === undefined ? fieldOf(after['entity'], 'mailboxId') : undefined;
  return {
    organizationId,
    kind,
    sequenceNumber: SequenceNumber,
    writtenAt: (ApproximateCreationDateTime ?? Number.POSITIVE_INFINITY) * 1000,
    changes,
    laneMessages,
    wakes: typeof mailboxId === 'string' ? mailboxId : undefined,
    entity: after['entity'],
    unreadable,
  };
};
