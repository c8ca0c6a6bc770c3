import type { LaneVerdict } from '../../shared/cycle/run-lane-batch.ts';
import { runResolveSimilar } from '../../shared/email/similar-emails.ts';
import { runBulkStep } from '../../shared/mailbox/bulk.ts';
import { continueSynchronize } from '../../shared/mailbox/start-synchronize.ts';
import type { Operation } from '../../shared/operation/operation.ts';
import { createOrganizationCycles } from '../../shared/organization/erase-cycles.ts';
import { runErasure } from '../../shared/organization/run-erasure.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import type { Timers } from '../../shared/platform/timers.ts';
import { runOfferAgain } from '../../shared/rejection/run-offer-again.ts';
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

/**
 * Who carries out which kind of operation. Each may be called again after a crash and goes on where it was. What talks
 * to mail servers or tracks mail is loaded when it is first asked for: a new function does not wait for all of it.
 */
export const createOperationRunners = (
  services: LaneServices,
  timers: Timers,
  cyclesTable: string,
): Readonly<Record<Operation['kind'], OperationRunner>> => {
  const document = createDocumentClient();
  const webhookStates = createWebhookStates(document, cyclesTable);
  const { now } = services;
  const organizationCycles = createOrganizationCycles({ document, tableName: cyclesTable, timers, now });
  return {
    testAndEnable: async (...work) => {
      const { runTestAndEnable } = await import('../../shared/mailbox/run-test-and-enable.ts');
      return runTestAndEnable(services, ...work);
    },
    testServerProfile: async (...work) => {
      const { runProfileTest } = await import('../../shared/server-profile/run-profile-test.ts');
      return runProfileTest(services, ...work);
    },
    // The request has woken the cycles already, and they report to the operation themselves; unless they have stopped.
    synchronize: async (organizationId, operation) => {
      await continueSynchronize(services, organizationId, operation);
      return { done: true };
    },
    bulkMailboxes: (...work) => runBulkStep({ ...services, timers }, ...work),
    replayDeadLetter: async (organizationId, operation) => {
      const { runReplay } = await import('../../shared/dead-letter/replay-dead-letter.ts');
      await runReplay(services, organizationId, operation);
      return { done: true };
    },
    replayDeadLetters: async (...work) => {
      const { runReplays } = await import('../../shared/dead-letter/replay-dead-letters.ts');
      return runReplays({ ...services, timers }, ...work);
    },
    trackMessage: async (...work) => {
      const { runTrackMessage } = await import('../../shared/tracking/run-track-message.ts');
      return runTrackMessage(services, ...work);
    },
    trackUpload: async (...work) => {
      const { runTrackUpload } = await import('../../shared/tracking/run-track-upload.ts');
      return runTrackUpload(services, ...work);
    },
    resolveParty: (organizationId, operation, delivery) =>
      runResolveSimilar(services, organizationId, operation, delivery),
    reprocess: async (...work) => {
      const { runReprocess } = await import('../../shared/tracking/run-reprocess.ts');
      return runReprocess(services, ...work);
    },
    // The request has told the webhook already, and it reports to the operation itself.
    replayWebhook: async (organizationId, operation) => {
      await continueReplay({ ...services, webhookStates }, organizationId, operation);
      return { done: true };
    },
    offerAgain: (organizationId, operation, delivery) =>
      runOfferAgain({ ...services, timers }, organizationId, operation, delivery),
    eraseOrganization: (_scope, ...work) => runErasure({ ...services, timers, organizationCycles }, ...work),
  };
};
