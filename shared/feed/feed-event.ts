import * as z from 'zod';
import { actorSchema, originSchema } from '../platform/change.ts';

/** One change as consumers read it. `sequence` counts 1, 2, 3, … per organization. */
export const feedEventSchema = z
  .object({
    id: z.string(),
    sequence: z.int().nonnegative(),
    /** What happened, `<subject>.<verb>`; `<subject>.snapshot` while a snapshot is walked. New types may appear. */
    type: z.string(),
    at: z.string(),
    origin: originSchema,
    actor: actorSchema,
    subject: z.object({ type: z.string(), id: z.string(), externalId: z.string().nullable().optional() }),
    version: z.int().nonnegative(),
    changedFields: z.array(z.string()).optional(),
    /** The resource as its own GET shows it, without bodies; null where it could not be shown: read it by its id. */
    data: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'FeedEvent' });
export type FeedEvent = z.output<typeof feedEventSchema>;

/** An event that has no place in the order yet. */
export type UnplacedEvent = Omit<FeedEvent, 'sequence'>;

/** `email.tracked`, or `email.*` for all of a subject. */
export const eventTypeFilterSchema = z.string().regex(/^[a-z][A-Za-z]*\.(\*|[a-z][A-Za-z]*)$/);

/** True when no filter is given or one of them names the type. */
export const matchesTypes = (type: string, filters: readonly string[] | undefined): boolean =>
  filters === undefined ||
  filters.some((filter) => (filter.endsWith('.*') ? type.startsWith(filter.slice(0, -1)) : type === filter));
