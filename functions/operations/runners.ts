import type { LaneVerdict } from '../../shared/cycle/run-lane-batch.ts';
import { runReplay } from '../../shared/dead-letter/replay-dead-letter.ts';
import { runReplays } from '../../shared/dead-letter/replay-dead-letters.ts';
import { runResolveSimilar } from '../../shared/email/similar-emails.ts';
import { runBulkStep } from '../../shared/mailbox/bulk.ts';
import { runTestAndEnable } from '../../shared/mailbox/run-test-and-enable.ts';
import { continueSynchronize } from '../../shared/mailbox/start-synchronize.ts';
import type { Operation } from '../../shared/operation/operation.ts';
import { operationMessage } from '../../shared/operation/operation-message.ts';
import { finishOperation, reportProgress } from '../../shared/operation/run-operation.ts';
import { createEraseCycles, eraseOrganization } from '../../shared/organization/erase-organization.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import type { Timers } from '../../shared/platform/timers.ts';
import { runOfferAgain } from '../../shared/rejection/run-offer-again.ts';
import { runProfileTest } from '../../shared/server-profile/run-profile-test.ts';
import { createThrottleReader } from '../../shared/throttle/throttle-reader.ts';
import { runReprocess } from '../../shared/tracking/run-reprocess.ts';
import { runTrackMessage } from '../../shared/tracking/run-track-message.ts';
import { runTrackUpload } from '../../shared/tracking/run-track-upload.ts';
import { continueReplay } from '../../shared/webhook/start-replay.ts';
import { createWebhookStates } from '../../shared/webhook/webhook-states.ts';
import type { LaneServices } from '../common/create-lane-services.ts';

interface OperationDelivery {
  readonly receiveCount: number;
  readonly remainingMilliseconds: number;
}

type OperationRunner = (
  organizationId: string,
  operation: Operation,
  delivery: OperationDelivery,
) => Promise<LaneVerdict>;

const endMarginMilliseconds = 10_000;
/** How long an erasure waits for runs that were in flight when it began. */
const erasureWaitSeconds = 15;

const addCounts = (one: Operation['result'], other: Readonly<Record<string, number>>): Record<string, number> => {
  const sum: Record<string, number> = { ...other };
  for (const [kind, number] of Object.entries(one ?? {}))
    if (typeof number === 'number') sum[kind] = (sum[kind] ?? 0) + number;
  return sum;
};

/** Who carries out which kind of operation. Each may be called again after a crash and goes on where it was. */
export const createOperationRunners = (
  services: LaneServices,
  timers: Timers,
  cyclesTable: string,
): Readonly<Record<Operation['kind'], OperationRunner>> => {
  const document = createDocumentClient();
  const eraseCycles = createEraseCycles(document, cyclesTable);
  const webhookStates = createWebhookStates(document, cyclesTable);
  const throttle = createThrottleReader({ document, tableName: cyclesTable, now: services.now });
  return {
    testAndEnable: (organizationId, operation, delivery) =>
      runTestAndEnable(services, organizationId, operation, delivery),
    testServerProfile: (organizationId, operation, delivery) =>
      runProfileTest(services, organizationId, operation, delivery),
    // The request has woken the cycles already, and they report to the operation themselves.
    synchronize: async (organizationId, operation) => {
      await continueSynchronize(services.cycles, organizationId, operation);
      return { done: true };
    },
    bulkMailboxes: (organizationId, operation, delivery) => runBulkStep(services, organizationId, operation, delivery),
    replayDeadLetter: async (organizationId, operation, delivery) => {
      await runReplay(services, organizationId, operation, delivery);
      return { done: true };
    },
    replayDeadLetters: (organizationId, operation, delivery) =>
      runReplays(services, organizationId, operation, delivery),
    trackMessage: (organizationId, operation, delivery) =>
      runTrackMessage(services, organizationId, operation, delivery),
    trackUpload: (organizationId, operation, delivery) => runTrackUpload(services, organizationId, operation, delivery),
    resolveParty: (organizationId, operation, delivery) =>
      runResolveSimilar(services, organizationId, operation, delivery),
    reprocess: (organizationId, operation, delivery) => runReprocess(services, organizationId, operation, delivery),
    // The request has told the webhook already, and it reports to the operation itself.
    replayWebhook: async (organizationId, operation) => {
      await continueReplay({ ...services, webhookStates }, organizationId, operation);
      return { done: true };
    },
    offerAgain: (organizationId, operation, delivery) =>
      runOfferAgain({ ...services, timers }, organizationId, operation, delivery),
    eraseOrganization: async (scope, operation, delivery) => {
      const deadline = services.now().getTime() + delivery.remainingMilliseconds - endMarginMilliseconds;
      const erasure = { ...services, throttle, eraseCycles, webhookStates };
      const { done, removed } = await eraseOrganization(erasure, operation.subject.id, deadline);
      const result = addCounts(operation.result, removed);
      if (done) {
        await finishOperation(services, scope, operation.id, { status: 'succeeded', result });
        return { done: true };
      }
      await reportProgress(services, scope, operation.id, operation.progress, result);
      const occasion = String(services.now().getTime());
      if (delivery.receiveCount < 10) return { done: false, waitSeconds: erasureWaitSeconds };
      const group = operation.subject.id;
      await services.queues.send(
        'operations',
        group,
        `${operation.id}.${occasion}`,
        operationMessage(scope, group, operation.id, occasion),
      );
      return { done: true };
    },
  };
};
