import { createOperationWatch } from '../../../shared/operation/operation-watch.ts';
import { createOrganizationCycles } from '../../../shared/organization/erase-cycles.ts';
import type { RunErasureDependencies } from '../../../shared/organization/run-erasure.ts';
import {
  createDocumentClient,
  createQueueClient,
  createSchedulerClient,
  createStorageClient,
} from '../../../shared/platform/aws-clients.ts';
import { createContentStore } from '../../../shared/platform/content-store.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import { createLaneQueues } from '../../../shared/platform/lane-queues.ts';
import { createRecordsTable } from '../../../shared/platform/records-table.ts';
import { createTimers } from '../../../shared/platform/timers.ts';

/** What a process meets that is no more. */
export class Died extends Error {}

export interface Death {
  /** The request to AWS at which the process dies, from 1; undefined: it lives. */
  readonly at: number | undefined;
  /** Whether AWS still gets and carries out that request. */
  readonly when: 'before' | 'after';
}

export interface Mortal {
  readonly dependencies: RunErasureDependencies;
  /** How many requests it has made. */
  readonly requests: () => number;
}

const variable = (name: string): string => String(process.env[name]);

/** What an erasure works with, in a process that dies at one of its requests to AWS: from then on none goes out. */
export const createMortal = (death: Death, now: () => Date = () => new Date()): Mortal => {
  let requests = 0;
  const dying =
    <Arguments, Result>(next: (given: Arguments) => Promise<Result>) =>
    async (given: Arguments): Promise<Result> => {
      requests += 1;
      if (death.at === undefined || requests < death.at) return next(given);
      if (requests === death.at && death.when === 'after') await next(given);
      throw new Died();
    };
  const mortal = <Client extends { readonly middlewareStack: { add(...given: never[]): void } }>(client: Client) => {
    client.middlewareStack.add(...([dying, { step: 'initialize', name: 'die' }] as unknown as never[]));
    return client;
  };
  const document = mortal(createDocumentClient());
  const tableName = variable('CYCLES_TABLE');
  const queueUrls = { operations: variable('OPERATIONS_QUEUE_URL') };
  const timers = createTimers(mortal(createSchedulerClient()), {
    groupName: variable('SCHEDULE_GROUP'),
    roleArn: variable('SCHEDULER_ROLE_ARN'),
    deadLetterArn: variable('SCHEDULER_DEAD_LETTER_ARN'),
    queueArns: { operations: variable('OPERATIONS_QUEUE_ARN') },
  });
  return {
    dependencies: {
      store: new EntityStore(createRecordsTable(document, variable('RECORDS_TABLE'))),
      content: createContentStore(mortal(createStorageClient()), variable('CONTENT_BUCKET')),
      queues: createLaneQueues(mortal(createQueueClient()), queueUrls),
      operationWatch: createOperationWatch(document, tableName),
      organizationCycles: createOrganizationCycles({ document, tableName, timers, now }),
      timers,
      now,
    },
    requests: () => requests,
  };
};
