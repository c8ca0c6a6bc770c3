import type { Cycle } from '../cycle/cycle.ts';
import { createOperation } from '../operation/create-operation.ts';
import { isFinished, type Operation, type OperationDependencies, operationKind } from '../operation/operation.ts';
import { synchronizeInputSchema } from '../operation/report-synchronized.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { createFault, FaultError } from '../platform/fault.ts';
import type { ThrottleReader } from '../throttle/throttle-reader.ts';
import type { CycleDependencies } from './align-cycles.ts';
import {
  type Mailbox,
  mailboxKind,
  type SynchronizedWorkload,
  synchronizedWorkloads,
  type WorkloadName,
} from './mailbox.ts';
import { requireMailbox } from './mailbox-context.ts';
import { requireMayRun } from './readiness.ts';
import type { StartContext } from './start-test.ts';
import { rests, runs } from './workload-state.ts';

type Cycles = Partial<Record<SynchronizedWorkload, Cycle>>;

/** The wait for a free connection may be long, an idle mailbox's cycle takes seconds. */
const deadlineSeconds = 3_600;

const runningWorkloads = (
  mailbox: Mailbox,
  named: readonly WorkloadName[] | undefined,
): readonly SynchronizedWorkload[] => {
  const running = synchronizedWorkloads.filter((name) => runs(mailbox.workloads[name].state));
  const missing = named?.find((name) => !running.some((one) => one === name));
  if (missing !== undefined || running.length === 0)
    throw new FaultError('workloadNotEnabled', {
      detail: missing === undefined ? 'No workload is enabled' : `The workload ${missing} is not enabled`,
    });
  return named === undefined ? running : running.filter((name) => named.includes(name));
};

/**
 * An operation that waits for the next cycle of all these workloads. One that a run has already begun to answer is none:
 * what is asked for now must be done by a cycle that begins after now.
 */
const findQueued = async (
  { store, organization, cycles }: StartContext,
  throttle: ThrottleReader,
  mailbox: Mailbox,
  workloads: readonly SynchronizedWorkload[],
): Promise<Operation | undefined> => {
  const present = await cycles.read(organization.id, mailbox.id);
  const [first = new Set<string>(), ...others] = workloads.map(
    (name) => present[name]?.synchronizations ?? new Set<string>(),
  );
  const waiting = [...first].filter((id) => others.every((ids) => ids.has(id)));
  if (waiting.length === 0 || mailbox.serverProfileId === null) return undefined;
  // Looked at after the cycles: a run that begins later than this look answers the waiting operation.
  const { holders } = await throttle.read(organization.id, mailbox.serverProfileId);
  if (workloads.some((name) => holders.has(`${mailbox.id}+${name}`))) return undefined;
  for (const id of waiting) {
    const operation = await store.get(operationKind, organization.id, id);
    const unanswered = workloads.every((name) => operation?.result?.[name] === undefined);
    if (operation !== undefined && !isFinished(operation) && unanswered) return operation;
  }
  return undefined;
};

interface StartOptions {
  readonly ifMatch?: number | undefined;
  readonly operationId?: string;
  readonly parent?: Operation['parent'];
}

/** @throws FaultError notFound, versionMismatch, workloadNotEnabled, ownerInactive, channelIsEmailRouter, invalidState */
export const requireSynchronizable = async (
  context: Pick<StartContext, 'store' | 'organization'>,
  mailboxId: string,
  named: readonly WorkloadName[] | undefined,
  ifMatch?: number | undefined,
): Promise<{ readonly mailbox: Mailbox; readonly workloads: readonly SynchronizedWorkload[] }> => {
  const mailbox = await requireMailbox(context, mailboxId, ifMatch);
  await requireMayRun(context, mailbox);
  return { mailbox, workloads: runningWorkloads(mailbox, named) };
};

/**
 * Lets the next cycle begin at once; the operation is done when a cycle that begins from now on has completed.
 *
 * @throws FaultError as requireSynchronizable
 */
export const startSynchronize = async (
  context: StartContext,
  mailboxId: string,
  named: readonly WorkloadName[] | undefined,
  options: StartOptions,
): Promise<Operation> => {
  const { cycles, organization } = context;
  const { workloads } = await requireSynchronizable(context, mailboxId, named, options.ifMatch);
  const operation = await createOperation(context, {
    organizationId: organization.id,
    kind: 'synchronize',
    subject: { type: 'mailbox', id: mailboxId },
    mailboxGroup: mailboxId,
    input: { workloads },
    deadlineSeconds,
    total: workloads.length,
    ...(options.operationId === undefined ? {} : { id: options.operationId }),
    ...(options.parent === undefined ? {} : { parent: options.parent }),
  });
  if (!isFinished(operation)) await cycles.synchronize(organization.id, mailboxId, workloads, operation.id);
  return operation;
};

/**
 * As startSynchronize; a request that comes while one waits for its cycle gets the same operation.
 *
 * @throws FaultError as requireSynchronizable
 */
export const joinSynchronize = async (
  context: StartContext,
  throttle: ThrottleReader,
  mailboxId: string,
  named: readonly WorkloadName[] | undefined,
  options: StartOptions,
): Promise<Operation> => {
  const { mailbox, workloads } = await requireSynchronizable(context, mailboxId, named, options.ifMatch);
  return (
    (await findQueued(context, throttle, mailbox, workloads)) ??
    (await startSynchronize(context, mailboxId, named, options))
  );
};

/** Whether no cycle will come: it rests, and not because it is being tested. */
const hasStopped = (mailbox: Mailbox, name: SynchronizedWorkload): boolean =>
  rests(mailbox.workloads[name]) && mailbox.workloads[name].state !== 'testing';

/**
 * What the operations lane does when the message of a synchronize operation reaches it, first or again from the
 * watchdog: usually nothing, since the request has woken the cycles already; otherwise what the request could not
 * finish. An operation whose workload was disabled before its cycle came is failed: nobody would ever answer it. Can be
 * repeated.
 */
export const continueSynchronize = async (
  dependencies: OperationDependencies & CycleDependencies,
  organizationId: string,
  operation: Operation,
): Promise<void> => {
  if (isFinished(operation)) return;
  const { store, cycles } = dependencies;
  const mailbox = await store.get(mailboxKind, organizationId, operation.subject.id);
  const present: Cycles = await cycles.read(organizationId, operation.subject.id);
  const unanswered = synchronizeInputSchema
    .parse(operation.input)
    .workloads.filter(
      (name) => operation.result?.[name] === undefined && present[name]?.synchronized?.has(operation.id) !== true,
    );
  const stopped = unanswered.find((name) => mailbox !== undefined && hasStopped(mailbox, name));
  if (stopped !== undefined) {
    const fault = createFault('workloadNotEnabled', {
      detail: `The workload ${stopped} was disabled before its cycle`,
    });
    await finishOperation(dependencies, organizationId, operation.id, { status: 'failed', fault });
    return;
  }
  const forgotten = unanswered.filter((name) => present[name]?.synchronizations?.has(operation.id) !== true);
  if (forgotten.length > 0) await cycles.synchronize(organizationId, operation.subject.id, forgotten, operation.id);
};
