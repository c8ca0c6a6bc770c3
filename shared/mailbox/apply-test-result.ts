import { alertWrites, clearingWrites } from '../alert/raise-alert.ts';
import { type Author, systemAuthor } from '../platform/change.ts';
import { createFault, type Fault, FaultError } from '../platform/fault.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { transact } from '../platform/transact.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import { alignCycles, type CycleDependencies } from './align-cycles.ts';
import { claimLogin } from './login-claim.ts';
import { type Mailbox, mailboxKind, type SynchronizedWorkload, synchronizedWorkloads } from './mailbox.ts';
import { transitionWorkloads } from './mailbox-edits.ts';
import { mailboxWrites } from './mailbox-writes.ts';
import type { Claim, TakeoverContext } from './takeover.ts';
import { runs } from './workload-state.ts';

/** What a test found out for each workload that it tried: no fault means success. */
export type TestResults = Partial<Record<SynchronizedWorkload, { readonly fault?: Fault }>>;

export type AppliedResults = Partial<
  Record<SynchronizedWorkload, { readonly enabled: boolean; readonly fault?: Fault }>
>;

export interface TestOutcome {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly operationId: string;
  readonly enable: boolean;
  readonly confirmTakeoverFrom?: string | undefined;
  readonly results: TestResults;
}

export interface TestDependencies extends CycleDependencies {
  readonly now: () => Date;
}

const namesOf = (results: TestResults): readonly SynchronizedWorkload[] =>
  synchronizedWorkloads.filter((name) => results[name] !== undefined);

/** The login is proved now, so the mailbox may claim it; when another one has it no workload has passed. */
const claimProvedLogin = async (
  context: TakeoverContext,
  mailbox: Mailbox,
  outcome: TestOutcome,
): Promise<Claim & { readonly fault?: Fault }> => {
  const { store, organizationId } = context;
  const passed = namesOf(outcome.results).some((name) => outcome.results[name]?.fault === undefined);
  const serverProfile =
    passed && mailbox.serverProfileId !== null
      ? await store.get(serverProfileKind, organizationId, mailbox.serverProfileId)
      : undefined;
  if (serverProfile === undefined) return { writes: [] };
  try {
    return await claimLogin(context, mailbox, serverProfile, outcome.confirmTakeoverFrom);
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'mailboxAlreadyMapped')
      return { writes: [], fault: error.fault };
    throw error;
  }
};

const isTestedBy = (mailbox: Mailbox, operationId: string): boolean =>
  synchronizedWorkloads.some((name) => mailbox.workloads[name].runningTest?.operationId === operationId);

const withResults = (mailbox: Mailbox, outcome: TestOutcome, claimFault: Fault | undefined, at: string): Mailbox => {
  const { operationId, enable, results } = outcome;
  const tested = namesOf(results).reduce((current, name) => {
    const fault = results[name]?.fault ?? claimFault;
    return transitionWorkloads(
      current,
      fault === undefined
        ? { type: 'passTest', operationId, at, enable }
        : { type: 'failTest', operationId, at, fault },
      [name],
    );
  }, mailbox);
  // Mail that came before incoming was first enabled is not pulled.
  const begins = runs(tested.workloads.incoming.state) && tested.incomingSince === null;
  return begins ? { ...tested, incomingSince: at } : tested;
};

/** What the people concerned see: the faults of before are gone, and the mailbox is connected. */
const alertsOf = async (
  { store, organizationId, now, author }: TakeoverContext,
  before: Mailbox,
  after: Mailbox,
): Promise<readonly RecordWrite[]> => {
  const standing = new Set(synchronizedWorkloads.flatMap((name) => after.workloads[name].fault?.code ?? []));
  const enabled = synchronizedWorkloads.filter((name) => after.workloads[name].state === 'enabled');
  const gone = new Set([
    ...synchronizedWorkloads.flatMap((name) => before.workloads[name].fault?.code ?? []),
    ...(enabled.length > 0 ? ['mailboxTakenOver'] : []),
  ]);
  const writes: RecordWrite[] = [];
  for (const code of gone)
    if (!standing.has(code))
      writes.push(...(await clearingWrites(store, organizationId, code, after.id, { now, author })));
  const started = enabled.filter((name) => before.workloads[name].state !== 'enabled');
  if (started.length === 0) return writes;
  const connected = await alertWrites(store, {
    organizationId,
    level: 'information',
    scope: 'mailbox',
    fault: createFault('synchronizationEnabled', { detail: `Enabled: ${started.join(', ')}` }),
    subject: { type: 'mailbox', id: after.id },
    mailboxId: after.id,
    now,
    author,
  });
  return [...writes, ...connected];
};

/**
 * Writes what a test found out into the mailbox and starts the cycles of what it enables. A workload that somebody
 * changed while the test ran is left as it is now. Can be repeated after a crash.
 *
 * @returns for each tested workload whether it is enabled now, and the fault if it has not passed
 */
export const applyTestResult = async (
  dependencies: TestDependencies,
  outcome: TestOutcome,
  author: Author = systemAuthor,
): Promise<AppliedResults> => {
  const { store, now } = dependencies;
  const { organizationId, mailboxId, operationId, results } = outcome;
  const applied = await transact(store.table, async () => {
    const before = await store.get(mailboxKind, organizationId, mailboxId);
    const context = { store, organizationId, author, now: now() };
    if (before === undefined || !isTestedBy(before, operationId)) return { writes: [], result: undefined };
    const claim = await claimProvedLogin(context, before, outcome);
    const next = withResults(before, outcome, claim.fault, now().toISOString());
    const { mailbox, writes } = mailboxWrites(store, organizationId, before, next, { author, now: now() });
    const alerts = await alertsOf(context, before, mailbox);
    return { writes: [...writes, ...claim.writes, ...alerts], result: { claim } };
  });
  if (applied?.claim.dispossessed !== undefined)
    await alignCycles(dependencies, organizationId, applied.claim.dispossessed);
  const mailbox = await alignCycles(dependencies, organizationId, mailboxId);
  return Object.fromEntries(
    namesOf(results).map((name) => {
      const workload = mailbox?.workloads[name];
      const fault = results[name]?.fault ?? applied?.claim.fault;
      return [name, { enabled: workload?.state === 'enabled', ...(fault === undefined ? {} : { fault }) }];
    }),
  );
};

/**
 * Ends what a test left open whose operation was cancelled, timed out or broke off: its workloads become what they were.
 * Does nothing when the operation tests nothing any more.
 */
export const abandonTest = async (
  dependencies: TestDependencies,
  organizationId: string,
  mailboxId: string,
  operationId: string,
): Promise<void> => {
  const { store, now } = dependencies;
  await transact(store.table, async () => {
    const mailbox = await store.get(mailboxKind, organizationId, mailboxId);
    if (mailbox === undefined) return { writes: [], result: undefined };
    const next = transitionWorkloads(mailbox, { type: 'abandonTest', operationId });
    return {
      writes: mailboxWrites(store, organizationId, mailbox, next, { author: systemAuthor, now: now() }).writes,
      result: undefined,
    };
  });
  await alignCycles(dependencies, organizationId, mailboxId);
};
