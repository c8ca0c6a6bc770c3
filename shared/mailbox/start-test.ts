import { createOperation } from '../operation/create-operation.ts';
import { isFinished, type Operation, type OperationDependencies, operationKind } from '../operation/operation.ts';
import { FaultError } from '../platform/fault.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { alignCycles } from './align-cycles.ts';
import { abandonTest } from './apply-test-result.ts';
import { claimLogin } from './login-claim.ts';
import { type Mailbox, type SynchronizedWorkload, synchronizedWorkloads } from './mailbox.ts';
import { type MailboxContext, requireMailbox } from './mailbox-context.ts';
import { transitionWorkloads } from './mailbox-edits.ts';
import type { TestRequest } from './mailbox-input.ts';
import { mailboxWrites } from './mailbox-writes.ts';
import { chosenWorkloads, requireApproval, requireComplete, requireMayRun } from './readiness.ts';

export type StartContext = MailboxContext & Pick<OperationDependencies, 'queues' | 'operationWatch'>;

const deadlineSeconds = 900;
const attempts = 8;

/** A test whose operation is over, or never came to be, holds nobody up. */
const settleBrokenTests = async (context: StartContext, mailbox: Mailbox): Promise<boolean> => {
  const { store, organization } = context;
  const running = new Set(
    synchronizedWorkloads.flatMap((name) => mailbox.workloads[name].runningTest?.operationId ?? []),
  );
  let settled = false;
  for (const operationId of running) {
    const operation = await store.get(operationKind, organization.id, operationId);
    if (operation !== undefined && !isFinished(operation)) continue;
    await abandonTest(context, organization.id, mailbox.id, operationId);
    settled = true;
  }
  return settled;
};

/** @throws FaultError as startTest, but testRunning */
export const requireTestable = async (
  context: MailboxContext,
  mailbox: Mailbox,
  request: TestRequest,
): Promise<readonly SynchronizedWorkload[]> => {
  const { store, organization, author, now } = context;
  await requireMayRun(context, mailbox);
  requireApproval(organization, mailbox);
  const profile = await requireComplete(context, mailbox);
  const workloads = chosenWorkloads(mailbox, request.workloads);
  // Only a look: the login is claimed once the test has proved it.
  const claimContext = { store, organizationId: organization.id, author, now: now() };
  await claimLogin(claimContext, mailbox, profile, request.confirmTakeoverFrom);
  return workloads;
};

const inputOf = (request: TestRequest, workloads: readonly SynchronizedWorkload[]): Record<string, unknown> => ({
  workloads,
  enable: request.enable,
  sendTestMessage: request.sendTestMessage,
  ...(request.confirmTakeoverFrom === undefined ? {} : { confirmTakeoverFrom: request.confirmTakeoverFrom }),
});

/**
 * Starts a test of a mailbox on its servers. The workloads become `testing` together with the operation, and rest until
 * it ends. With `parent` the test carries out an item of bulk work; repeating it then finds the first one.
 *
 * @throws FaultError notFound, versionMismatch, ownerInactive, channelIsEmailRouter, approvalRequired, testRunning,
 * mailboxAlreadyMapped, invalidState, notSupported
 */
export const startTest = async (
  context: StartContext,
  mailboxId: string,
  request: TestRequest,
  options: {
    readonly ifMatch?: number | undefined;
    readonly operationId?: string;
    readonly parent?: Operation['parent'];
  },
): Promise<Operation> => {
  const { store, organization, author, now } = context;
  const id = options.operationId ?? createIdentifier('opn', now().getTime());
  for (let attempt = 1; ; attempt += 1) {
    const existing = await store.get(operationKind, organization.id, id);
    if (existing !== undefined) return existing;
    const mailbox = await requireMailbox(context, mailboxId, options.ifMatch);
    const workloads = await requireTestable(context, mailbox, request);
    if (synchronizedWorkloads.some((name) => mailbox.workloads[name].state === 'testing')) {
      if (!(await settleBrokenTests(context, mailbox)) || attempt === attempts) throw new FaultError('testRunning');
      continue;
    }
    const next = transitionWorkloads(mailbox, { type: 'startTest', operationId: id }, workloads);
    try {
      const operation = await createOperation(context, {
        organizationId: organization.id,
        kind: 'testAndEnable',
        subject: { type: 'mailbox', id: mailboxId },
        mailboxGroup: mailboxId,
        input: inputOf(request, workloads),
        deadlineSeconds,
        id,
        ...(options.parent === undefined ? {} : { parent: options.parent }),
        also: mailboxWrites(store, organization.id, mailbox, next, { author, now: now() }).writes,
      });
      await alignCycles(context, organization.id, mailboxId);
      return operation;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
    }
  }
};
