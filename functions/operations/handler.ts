import { operationMessageSchema } from '../../shared/cycle/lane-message.ts';
import type { LaneVerdict } from '../../shared/cycle/run-lane-batch.ts';
import { abandonTest } from '../../shared/mailbox/apply-test-result.ts';
import { isFinished } from '../../shared/operation/operation.ts';
import { restWhileSuspended } from '../../shared/operation/rest-while-suspended.ts';
import { finishOperation, startOperation } from '../../shared/operation/run-operation.ts';
import { waitUntil } from '../../shared/operation/wait-until.ts';
import { createLaneServices } from '../common/create-lane-services.ts';
import { createLaneTimers } from '../common/create-lane-timers.ts';
import { createLaneHandler } from '../common/lane-handler.ts';
import { readLaneEnvironment } from '../common/read-lane-environment.ts';
import { createOperationRunners } from './runners.ts';

const environment = readLaneEnvironment();
const services = createLaneServices(environment);
const timers = createLaneTimers();
const runners = createOperationRunners(services, timers, environment.CYCLES_TABLE);

/** How often work that waits for its organization looks whether it may go on. */
const suspendedMilliseconds = 5 * 60_000;

export const handler = createLaneHandler(
  'operations',
  services.queues,
  async (record, invocation): Promise<LaneVerdict> => {
    const { organizationId, operationId } = operationMessageSchema.parse(JSON.parse(record.body));
    const started = await startOperation(services, organizationId, operationId);
    if (started === undefined) return { done: true };
    const operation = await restWhileSuspended(services, organizationId, started);
    if (operation === 'waits')
      return waitUntil(
        { ...services, timers },
        { organizationId, id: operationId, group: record.group, deadline: started.deadline },
        record,
        services.now().getTime() + suspendedMilliseconds,
      );
    // An erasure looks once more when it has ended.
    if (isFinished(operation) && operation.kind !== 'eraseOrganization') {
      if (operation.kind === 'testAndEnable')
        await abandonTest(services, organizationId, operation.subject.id, operationId);
      // Makes good what a crash left out after the end.
      if (operation.status !== 'cancelled')
        await finishOperation(services, organizationId, operationId, { status: 'succeeded' });
      return { done: true };
    }
    return runners[operation.kind](organizationId, operation, {
      receiveCount: record.receiveCount,
      remainingMilliseconds: invocation.remainingMilliseconds(),
    });
  },
  { sharing: services.sharingOf('operations') },
);
