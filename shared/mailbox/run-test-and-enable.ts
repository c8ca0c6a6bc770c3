import * as z from 'zod';
import type { CycleControl } from '../cycle/cycle-control.ts';
import type { ContextLoader } from '../cycle/run-context.ts';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { goOnWithPlace } from '../operation/go-on-later.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { createFault } from '../platform/fault.ts';
import { resumeProfile } from '../server-profile/resume-profile.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Dialler } from '../transport/connection.ts';
import { type AppliedResults, applyTestResult } from './apply-test-result.ts';
import { type SynchronizedWorkload, synchronizedWorkloads } from './mailbox.ts';
import { testIncoming, testOutgoing, type WorkloadTest } from './test-workloads.ts';

/** What test-and-enable was asked for. */
export const testAndEnableInputSchema = z.object({
  workloads: z.array(z.enum(['incoming', 'outgoing'])).min(1),
  enable: z.boolean(),
  sendTestMessage: z.boolean(),
  /** The mailbox that may lose its login to this one. */
  confirmTakeoverFrom: z.string().optional(),
});

export interface TestAndEnableDependencies extends OperationDependencies {
  readonly loader: ContextLoader;
  readonly gate: ConnectionGate;
  readonly cycles: CycleControl;
  readonly dialler: Dialler;
}

/** What the end of a test still has to write. */
const endMarginMilliseconds = 15_000;

const describeTest = (test: WorkloadTest, applied: AppliedResults[SynchronizedWorkload]) => {
  const fault = test.fault ?? applied?.fault;
  return {
    status: fault === undefined ? 'success' : 'failure',
    enabled: applied?.enabled ?? false,
    ...(fault === undefined ? {} : { fault }),
    steps: test.steps,
  };
};

type Tests = Partial<Record<SynchronizedWorkload, WorkloadTest>>;

/**
 * Carries out one test-and-enable. Begun again after a crash it tests anew, at worst with a second test message. The
 * workloads are independent: a failed one does not fail the operation.
 */
export const runTestAndEnable = async (
  deps: TestAndEnableDependencies,
  organizationId: string,
  operation: Operation,
  delivery: { readonly receiveCount: number; readonly remainingMilliseconds: number },
): Promise<LaneVerdict> => {
  const mailboxId = operation.subject.id;
  const input = testAndEnableInputSchema.parse(operation.input);
  const organization = await deps.loader.organization(organizationId);
  const context = organization === undefined ? undefined : await deps.loader.context(organization, mailboxId, true);
  if (organization === undefined || context === undefined) {
    const fault = createFault('invalidState', {
      detail: 'The mailbox has no server profile',
      fix: 'Set serverProfileId, then test again',
    });
    const test: WorkloadTest = { fault, steps: [] };
    const tests: Tests = Object.fromEntries(input.workloads.map((workload) => [workload, test]));
    return finish(deps, organizationId, operation, input, tests);
  }
  const now = deps.now().getTime();
  const deadline = now + delivery.remainingMilliseconds;
  const gate = await deps.gate.enter({
    organizationId,
    serverProfile: context.serverProfile,
    host: context.serverProfile.incoming.host,
    mailboxId,
    lane: 'operations',
    generation: 0,
    expiresAt: deadline + leaseMarginMilliseconds,
    hasTicket: delivery.receiveCount > 1,
    ignoresPause: true,
    probeUntil: now,
  });
  if ('refused' in gate)
    return goOnWithPlace(deps, { organizationId, id: operation.id, group: mailboxId }, delivery, gate.until);
  try {
    const tools = { dialler: deps.dialler, now: deps.now, deadline: deadline - endMarginMilliseconds };
    const subject = { ...context, emailAddress: context.mailbox.emailAddress };
    const address = context.mailbox.emailAddress;
    const messageId =
      input.sendTestMessage && address !== null
        ? `<${operation.id}.${delivery.receiveCount}@${address.slice(address.lastIndexOf('@') + 1)}>`
        : undefined;
    const results: Tests = {};
    // Sent first, so that its arrival can be looked for when the incoming side is tested.
    if (input.workloads.includes('outgoing')) results.outgoing = await testOutgoing(subject, messageId, tools);
    if (input.workloads.includes('incoming')) {
      const sent = results.outgoing !== undefined && results.outgoing.fault === undefined;
      results.incoming = await testIncoming(subject, sent ? messageId : undefined, tools);
    }
    await resumeProfile(deps, gate, organizationId, context.serverProfile.id, results);
    return await finish(deps, organizationId, operation, input, results);
  } finally {
    await gate.leave();
  }
};

const finish = async (
  deps: TestAndEnableDependencies,
  organizationId: string,
  operation: Operation,
  input: z.output<typeof testAndEnableInputSchema>,
  tests: Tests,
): Promise<LaneVerdict> => {
  const tested = synchronizedWorkloads.flatMap((workload) => {
    const test = tests[workload];
    return test === undefined ? [] : [{ workload, test }];
  });
  const applied = await applyTestResult(deps, {
    organizationId,
    mailboxId: operation.subject.id,
    operationId: operation.id,
    enable: input.enable,
    confirmTakeoverFrom: input.confirmTakeoverFrom,
    results: Object.fromEntries(
      tested.map(({ workload, test }) => [workload, test.fault === undefined ? {} : { fault: test.fault }]),
    ),
  });
  const workloads = Object.fromEntries(
    tested.map(({ workload, test }) => [workload, describeTest(test, applied[workload])]),
  );
  await finishOperation(deps, organizationId, operation.id, { status: 'succeeded', result: { workloads } });
  return { done: true };
};
