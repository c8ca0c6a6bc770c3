import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import { at, groupBy, type Item } from './observation.ts';
import type { Check, Violation } from './violation.ts';

interface ToldEvent {
  readonly id: string;
  readonly sequence: number;
  readonly subject: string;
}

const imageOf = (image: Record<string, AttributeValue> | undefined): Item =>
  image === undefined ? {} : unmarshall(image as Parameters<typeof unmarshall>[0]);

const emitsOf = (item: Item): readonly string[] =>
  ((item['emits'] ?? []) as readonly Item[]).map(({ id }) => String(id));

/** The changes that an organization's items told, in the order of their writes, by item. */
const changesOf = (
  records: readonly DynamoDBRecord[],
  organizationId: string,
): ReadonlyMap<string, readonly string[]> => {
  const changes = new Map<string, string[]>();
  for (const { dynamodb } of records) {
    const after = imageOf(dynamodb?.NewImage);
    if (after['organizationId'] !== organizationId) continue;
    const before = new Set(emitsOf(imageOf(dynamodb?.OldImage)));
    const told = emitsOf(after).filter((id) => !before.has(id));
    const key = `${after['pk']} ${after['sk']}`;
    if (told.length > 0) changes.set(key, [...(changes.get(key) ?? []), ...told]);
  }
  return changes;
};

/** The feed counts 1, 2, 3 without a hole, and tells every change once and in the order of its record. */
export const checkFeed: Check = ({ world, cast, observation }) => {
  const violations: Violation[] = [];
  const events = observation.records
    .filter(({ pk }) => pk === `${cast.organizationId}#feedPage`)
    .flatMap((page) => JSON.parse(String(page['events'])) as readonly Item[])
    .map(
      (event): ToldEvent => ({
        id: String(event['id']),
        sequence: Number(event['sequence']),
        subject: String(at(event, 'subject', 'id')),
      }),
    )
    .sort((one, other) => one.sequence - other.sequence);
  const hole = events.findIndex(({ sequence }, index) => sequence !== index + 1);
  if (hole !== -1)
    violations.push({ kind: 'feed', what: `sequence ${events[hole]?.sequence} stands at place ${hole + 1}` });
  for (const [id, same] of groupBy(events, (event) => event.id))
    if (same.length > 1) violations.push({ kind: 'feed', what: `the event ${id} is there ${same.length} times` });
  const places = new Map(events.map(({ id, sequence }) => [id, sequence]));
  for (const [item, ids] of changesOf(world.stream.told, cast.organizationId)) {
    const missing = ids.filter((id) => !places.has(id));
    if (missing.length > 0) violations.push({ kind: 'feed', what: `${item} told ${missing}, which the feed has not` });
    const order = ids.flatMap((id) => places.get(id) ?? []);
    if (order.some((place, index) => index > 0 && place < (order[index - 1] ?? 0)))
      violations.push({ kind: 'feed', what: `the changes of ${item} are told out of order: ${order}` });
  }
  return violations;
};
