import { createOperation } from '../operation/create-operation.ts';
import type { Operation } from '../operation/operation.ts';
import type { BulkInput } from './bulk-input.ts';
import type { StartContext } from './start-test.ts';

const daySeconds = 86_400;
/** At a pace of its own the work may last for days. */
const deadlineSeconds = { paced: 14 * daySeconds, unpaced: daySeconds };

/** Starts bulk work on mailboxes; repeated with the same operation id it finds the first. */
export const startBulk = (context: StartContext, request: BulkInput, operationId: string): Promise<Operation> =>
  createOperation(context, {
    organizationId: context.organization.id,
    kind: 'bulkMailboxes',
    subject: { type: 'organization', id: context.organization.id },
    mailboxGroup: operationId,
    input: { request, author: context.author },
    deadlineSeconds: request.pace === undefined ? deadlineSeconds.unpaced : deadlineSeconds.paced,
    // How many there are is known once they have been selected.
    total: 0,
    id: operationId,
  });
