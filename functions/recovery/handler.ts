import { paginateScan } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import * as z from 'zod';
import { replaceCycle } from '../../shared/cycle/replace-cycle.ts';
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

const instant = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) < Date.now(), 'It lies in the future')
  .transform((text) => new Date(text));

/** For each table that was restored, the moment to which. */
const inputSchema = z
  .strictObject({ records: instant.optional(), cycles: instant.optional() })
  .refine(({ records, cycles }) => records !== undefined || cycles !== undefined, 'Name the table that was restored');

async function* scanCycles(): AsyncGenerator<Record<string, unknown>> {
  const pages = paginateScan({ client: document }, { TableName: environment.CYCLES_TABLE, ConsistentRead: true });
  for await (const page of pages) yield* page.Items ?? [];
}

/**
 * Invoked by hand once tables were restored from a backup, by those whom IAM allows to. Lambda itself ends what takes too
 * long: what was told to have failed must not go on in the next call.
 */
export const handler = middy({ timeoutEarlyInMillis: 0 }).handler(async (event: unknown) => {
  const restoredTo = inputSchema.parse(event);
  const recovery = await recoverFromBackup(
    {
      store,
      cycles: scanCycles(),
      replaceCycle: (before, next) => replaceCycle(document, environment.CYCLES_TABLE, before, next),
      now,
    },
    restoredTo,
  );
  logger.info('recovered', { ...recovery, ...restoredTo });
  return recovery;
});
