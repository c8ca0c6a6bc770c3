import { describe, expect, it } from 'vitest';
import { at, list, ofType, property, synthesize } from './synthesize.ts';

const resources = synthesize();
const statefulTypes = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::KMS::Key'];
const stateful = resources.filter(({ type }) => statefulTypes.includes(type));
const queues = ofType(resources, 'AWS::SQS::Queue');

describe('what an upgrade must never replace', () => {
  it('keeps the identifiers of tables, bucket and key: another identifier is another, empty resource', () => {
    expect(stateful.map(({ id, type }) => `${type} ${id}`)).toMatchInlineSnapshot(`
      [
        "AWS::DynamoDB::Table StateCyclesD04CBF6E",
        "AWS::DynamoDB::Table StateRecordsC287E63D",
        "AWS::S3::Bucket StateContent51B39F5D",
        "AWS::KMS::Key StateSecretsKey41B3640A",
      ]
    `);
  });

  it('keeps identifiers and names of the queues: messages and timers on their way know them', () => {
    expect(queues.map((queue) => `${queue.id} ${property(queue, 'QueueName')}`)).toMatchInlineSnapshot(`
      [
        "IncomingDeadLetterQueueB49B324C mailbox-sync-incoming-dead-letters.fifo",
        "IncomingQueue55103F57 mailbox-sync-incoming.fifo",
        "OutgoingDeadLetterQueue781A61D7 mailbox-sync-outgoing-dead-letters.fifo",
        "OutgoingQueue3CEFAA8D mailbox-sync-outgoing.fifo",
        "OperationsDeadLetterQueueF3EF15D0 mailbox-sync-operations-dead-letters.fifo",
        "OperationsQueueAE6FC8B3 mailbox-sync-operations.fifo",
        "WebhooksDeadLetterQueue1C65998B mailbox-sync-webhooks-dead-letters.fifo",
        "WebhooksQueueCBC86013 mailbox-sync-webhooks.fifo",
        "SchedulesDeadLetterQueue84E31400 mailbox-sync-scheduler-dead-letters",
      ]
    `);
  });

  it('keeps keys, indexes and stream of the tables', () => {
    const names = (value: unknown) => [0, 1].map((position) => at(value, `KeySchema.${position}.AttributeName`));
    const shape = ofType(resources, 'AWS::DynamoDB::Table').map((table) => ({
      id: table.id,
      key: names(table.properties),
      indexes: list(table, 'GlobalSecondaryIndexes').map(
        (index) => `${at(index, 'IndexName')}: ${names(index)} ${at(index, 'Projection.ProjectionType')}`,
      ),
      stream: property(table, 'StreamSpecification.StreamViewType'),
    }));
    expect(shape).toMatchInlineSnapshot(`
      [
        {
          "id": "StateCyclesD04CBF6E",
          "indexes": [],
          "key": [
            "pk",
            "sk",
          ],
          "stream": undefined,
        },
        {
          "id": "StateRecordsC287E63D",
          "indexes": [
            "byMailbox: mailboxKey,sk KEYS_ONLY",
            "byRegarding: regardingKey,sk KEYS_ONLY",
            "byConversation: conversationKey,sk KEYS_ONLY",
          ],
          "key": [
            "pk",
            "sk",
          ],
          "stream": "NEW_AND_OLD_IMAGES",
        },
      ]
    `);
  });
});

describe('what survives the stack', () => {
  it('retains tables, bucket and key when the stack is deleted', () => {
    expect(stateful.map(({ deletionPolicy }) => deletionPolicy)).toEqual(stateful.map(() => 'Retain'));
  });

  it('protects the tables from deletion and keeps every point in time', () => {
    for (const table of ofType(resources, 'AWS::DynamoDB::Table')) {
      expect(property(table, 'DeletionProtectionEnabled')).toBe(true);
      expect(property(table, 'PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled')).toBe(true);
    }
  });

  it('leaves nothing behind where the deployment asks for that', () => {
    const throwaway = synthesize({ removalPolicy: 'destroy' }).filter(({ type }) => statefulTypes.includes(type));
    expect(throwaway.map(({ deletionPolicy }) => deletionPolicy)).toEqual(throwaway.map(() => 'Delete'));
    for (const resource of throwaway) expect(property(resource, 'DeletionProtectionEnabled') ?? false).toBe(false);
  });

  it('names the queues of a second deployment apart from those of the first', () => {
    const names = (context: Record<string, string>) =>
      ofType(synthesize(context), 'AWS::SQS::Queue').map((queue) => property(queue, 'QueueName'));
    const first = names({});
    expect(names({ prefix: 'second' }).filter((name) => first.includes(name))).toEqual([]);
  });
});
