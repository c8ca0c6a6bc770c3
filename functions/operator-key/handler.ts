import middy from '@middy/core';
import { createOperatorKey } from '../../shared/organization/operator-key.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';

const environment = readConfiguration(['RECORDS_TABLE']);
const table = createRecordsTable(createDocumentClient(), environment.RECORDS_TABLE);

/** Invoked by hand by those whom IAM allows to; answers with a new operator key, once. */
export const handler = middy().handler(async () => ({ operatorKey: await createOperatorKey(table, new Date()) }));
