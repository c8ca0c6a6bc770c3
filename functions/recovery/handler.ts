import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import * as z from 'zod';
import type { Cycle } from '../../shared/cycle/cycle.ts';
import { cycleKey } from '../../shared/cycle/cycle-key.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { recoverFromBackup } from '../../shared/recovery/recover-from-backup.ts';
import { logger } from '../common/logger.ts';

const environment = readConfiguration(['CYCLES_TABLE', 'RECORDS_TABLE']);
const document = createDocumentClient();
const store = new EntityStore(createRecordsTable(document, environment.RECORDS_TABLE));
const now = (): Date => new Date();

const inputSchema = z.strictObject({
  /** The moment to which the tables were restored; of two different ones the earlier. */
  restoredTo: z.iso.datetime({ offset: true }).refine((text) => Date.parse(text) < Date.now(), 'It lies in the future'),
});

async function* scanCycles(): AsyncGenerator<Record<string, unknown>> {
  const pages = paginateScan({ client: document }, { TableName: environment.CYCLES_TABLE, ConsistentRead: true });
  for await (const page of pages) yield* page.Items ?? [];
}

const replaceCycle = async (before: Cycle, next: Cycle): Promise<boolean> => {
  const { organizationId, mailboxId, workload } = next;
  try {
    await document.send(
      new PutCommand({
        TableName: environment.CYCLES_TABLE,
        Item: { ...next, ...cycleKey(organizationId, mailboxId, workload) },
        ConditionExpression: 'generation = :generation',
        ExpressionAttributeValues: { ':generation': before.generation },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};

/** Invoked by hand once tables were restored from a backup, by those whom IAM allows to. */
export const handler = middy().handler(async (event: unknown) => {
  const { restoredTo } = inputSchema.parse(event);
  const recovery = await recoverFromBackup({ store, cycles: scanCycles(), replaceCycle, now }, new Date(restoredTo));
  logger.info('recovered', { ...recovery, restoredTo });
  return recovery;
});
