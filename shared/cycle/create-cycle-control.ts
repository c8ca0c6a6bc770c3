import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { type SynchronizedWorkload, synchronizedWorkloads } from '../mailbox/mailbox.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { type Cycle, cycleSchema } from './cycle.ts';
import type { CycleControl } from './cycle-control.ts';
import { cycleKey, cyclePartition } from './cycle-key.ts';
import { sendCycle } from './send-cycle.ts';

/** Bursts of wakes within this time and generation become one message. */
const bucketMilliseconds = 2_000;

interface Dependencies {
  readonly document: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly queues: LaneQueues;
  readonly now: () => Date;
}

export const createCycleControl = ({ document, tableName, queues, now }: Dependencies): CycleControl => {
  /** The cycle after the update; undefined when the condition did not hold. */
  const update = async (
    organizationId: string,
    mailboxId: string,
    workload: SynchronizedWorkload,
    change: {
      readonly expression: string;
      readonly condition?: string;
      readonly values: Readonly<Record<string, unknown>>;
    },
  ): Promise<Cycle | undefined> => {
    try {
      const { Attributes } = await document.send(
        new UpdateCommand({
          TableName: tableName,
          Key: cycleKey(organizationId, mailboxId, workload),
          UpdateExpression: change.expression,
          ...(change.condition === undefined ? {} : { ConditionExpression: change.condition }),
          ExpressionAttributeValues: { ...change.values },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return cycleSchema.parse(Attributes);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  };

  const wake = async (organizationId: string, mailboxId: string, workload: SynchronizedWorkload): Promise<void> => {
    const at = now().getTime();
    const cycle = await update(organizationId, mailboxId, workload, {
      expression: 'SET due = :now ADD wakes :one',
      condition: 'enabled = :true',
      values: { ':now': at, ':one': 1, ':true': true },
    });
    if (cycle !== undefined) await sendCycle(queues, cycle, 'wake', String(Math.floor(at / bucketMilliseconds)));
  };

  return {
    read: async (organizationId, mailboxId) => {
      const { Items = [] } = await document.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': cyclePartition(organizationId, mailboxId) },
        }),
      );
      const cycles = Items.flatMap((item) => cycleSchema.safeParse(item).data ?? []);
      return Object.fromEntries(cycles.map((cycle) => [cycle.workload, cycle]));
    },
    enable: async (organizationId, mailboxId, workload, serverProfileId) => {
      const cycle = await update(organizationId, mailboxId, workload, {
        expression: [
          'SET v = :version, organizationId = :organizationId, mailboxId = :mailboxId, workload = :workload',
          'enabled = :true, due = :now, serverProfileId = :serverProfileId, consecutiveFailures = :zero',
          'wakes = if_not_exists(wakes, :zero), idleCycles = if_not_exists(idleCycles, :zero)',
          'cursors = if_not_exists(cursors, :empty), generation = if_not_exists(generation, :zero) + :one',
        ]
          .join(', ')
          .concat(' REMOVE credentialRefusals, firstRefusalAt, probing, marker, waitsUntil'),
        values: {
          ':version': 1,
          ':organizationId': organizationId,
          ':mailboxId': mailboxId,
          ':workload': workload,
          ':true': true,
          ':now': now().getTime(),
          ':serverProfileId': serverProfileId,
          ':zero': 0,
          ':one': 1,
          ':empty': {},
        },
      });
      if (cycle !== undefined) await sendCycle(queues, cycle, 'enable', '');
    },
    replaceUnreadable: async (organizationId, mailboxId, workload, anew) => {
      const Key = cycleKey(organizationId, mailboxId, workload);
      const { Item } = await document.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }));
      if (Item === undefined || cycleSchema.safeParse(Item).success) return false;
      const { generation } = Item;
      // Somebody else may have repaired it meanwhile.
      const asFound = {
        TableName: tableName,
        ...(generation === undefined
          ? { ConditionExpression: 'attribute_not_exists(generation)' }
          : {
              ConditionExpression: 'generation = :generation',
              ExpressionAttributeValues: { ':generation': generation },
            }),
      };
      try {
        if (anew === undefined) {
          await document.send(new DeleteCommand({ ...asFound, Key }));
          return true;
        }
        const at = now().getTime();
        const { serverProfileId, probing } = anew;
        const cycle: Cycle = {
          v: 1,
          organizationId,
          mailboxId,
          workload,
          enabled: true,
          // One that it has not had: a message or timer like one of the last minutes would be swallowed as its repeat.
          generation: Math.floor(at / 1000),
          due: at,
          wakes: 0,
          ...(probing ? { probing } : {}),
          serverProfileId,
          consecutiveFailures: 0,
          idleCycles: 0,
          cursors: {},
        };
        await document.send(new PutCommand({ ...asFound, Item: { ...cycle, ...Key } }));
        await sendCycle(queues, cycle, 'enable', '');
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
    disable: async (organizationId, mailboxId, workload) => {
      await update(organizationId, mailboxId, workload, {
        expression: 'SET enabled = :false, due = :none, generation = generation + :one REMOVE probing, marker',
        condition: 'enabled = :true',
        values: { ':false': false, ':none': null, ':one': 1, ':true': true },
      });
    },
    wake,
    resume: async (organizationId, mailboxId) => {
      for (const workload of synchronizedWorkloads) await wake(organizationId, mailboxId, workload);
    },
    synchronize: async (organizationId, mailboxId, workloads, operationId) => {
      for (const workload of workloads) {
        const cycle = await update(organizationId, mailboxId, workload, {
          expression: 'SET due = :now ADD wakes :one, synchronizations :operations',
          condition: 'enabled = :true',
          values: {
            ':now': now().getTime(),
            ':one': 1,
            ':operations': new Set([operationId]),
            ':true': true,
          },
        });
        if (cycle !== undefined) await sendCycle(queues, cycle, 'sync', operationId);
      }
    },
  };
};
