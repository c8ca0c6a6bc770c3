import { watchdogPeriodSeconds } from '../world/world.ts';
import { entitiesOf, type Item, type Observation } from './observation.ts';
import type { Check, Evidence, Violation } from './violation.ts';

const finished: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'cancelled']);

const isCycle = ({ sk }: Item): boolean => sk === 'incoming' || sk === 'outgoing';

/** Whether anything will start this workload again: a timer, a message, or, with nothing to do, a wake. */
const isAwaited = ({ world }: Pick<Evidence, 'world'>, cycle: Item): boolean => {
  const { mailboxId, workload, generation, due } = cycle;
  if (due === null) return workload === 'outgoing';
  const lane = workload as 'incoming' | 'outgoing';
  return (
    world.timers.names().has(`${mailboxId}-${workload}-${generation}`) ||
    world.lanes.messagesOf(lane).some((message) => message.group === mailboxId)
  );
};

/** What has not come to rest; empty when there is nothing left to do but wait for the next timers. */
export const findUnsettled = (
  { world, cast }: Pick<Evidence, 'world' | 'cast'>,
  observation: Pick<Observation, 'cycles' | 'records' | 'now'>,
  since: number,
): readonly string[] => {
  const own = observation.cycles.filter((item) => item['organizationId'] === cast.organizationId);
  const waiting = entitiesOf(observation, cast.organizationId, 'outbox').map(
    (entry) => `the outbox has ${entry['emailId']} as ${entry['state']}`,
  );
  const operations = entitiesOf(observation, cast.organizationId, 'operation')
    .filter((operation) => !finished.has(operation['status']))
    .map((operation) => `the operation ${operation['id']} (${operation['kind']}) is ${operation['status']}`);
  const cycles = own.filter(isCycle).flatMap((cycle) => {
    const name = `${cycle['workload']} of ${cycle['mailboxId']}`;
    if (cycle['enabled'] !== true) return [`${name} is not enabled`];
    const found: string[] = [];
    if (!isAwaited({ world }, cycle)) found.push(`nothing will start ${name} (due ${cycle['due']})`);
    if (typeof cycle['due'] === 'number' && cycle['due'] < observation.now - 2 * watchdogPeriodSeconds * 1000)
      found.push(`${name} is overdue`);
    if (cycle['probing'] === true || Number(cycle['consecutiveFailures']) > 0) found.push(`${name} fails still`);
    if (cycle['workload'] === 'incoming' && Number(cycle['lastSuccessAt'] ?? 0) < since)
      found.push(`${name} has not succeeded since the faults ended`);
    return found;
  });
  return [...waiting, ...operations, ...cycles];
};

/** Every enabled workload goes on, nothing waits for ever, and no dead run holds a place that counts. */
export const checkLiveness = (evidence: Evidence, since: number): readonly Violation[] => {
  const { cast, observation } = evidence;
  const unsettled = findUnsettled(evidence, observation, since).map((what): Violation => ({ kind: 'stuck', what }));
  const mailboxes = entitiesOf(observation, cast.organizationId, 'mailbox').flatMap((mailbox) =>
    Object.entries((mailbox['workloads'] ?? {}) as Readonly<Record<string, Item>>)
      .filter(([name, { state }]) => name !== 'act' && state !== 'enabled')
      .map(([name, { state }]): Violation => ({ kind: 'stuck', what: `${name} of ${mailbox['id']} is ${state}` })),
  );
  const leases = observation.cycles
    .filter(({ sk }) => String(sk).startsWith('throttle#'))
    .filter((item) => Number(item['n']) !== Object.keys((item['leases'] ?? {}) as Item).length)
    .map(
      (item): Violation => ({
        kind: 'stuck',
        what: `${item['n']} places are counted for other leases than those there`,
      }),
    );
  return [...unsettled, ...mailboxes, ...leases];
};

export const checkConnections: Check = ({ world, cast }) => {
  const open = world.mailProxy.highest;
  if (open.length <= cast.maxConnections) return [];
  const what = `${open.length} connections were open, ${cast.maxConnections} are allowed: ${open.join(', ')}`;
  return [{ kind: 'overLimit', what }];
};
