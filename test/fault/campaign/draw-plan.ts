import { allFaultKinds, type FaultKind, faultKinds } from '../plan/fault-kinds.ts';
import type { PlannedFault } from '../plan/fault-plan.ts';
import type { Random } from '../plan/random.ts';
import type { InvokedFunction } from '../process/function-code.ts';

/** Functions that can be killed or meet a failing AWS, by how much they do in a run. */
const functions: readonly (readonly [InvokedFunction, number])[] = [
  ['incoming', 10],
  ['outgoing', 12],
  ['api', 5],
  ['feed', 4],
  ['operations', 1],
  ['watchdog', 2],
];

const onMail = (kind: FaultKind): boolean => faultKinds[kind].channels.some((one) => one === 'imap' || one === 'smtp');
const onAws = (kind: FaultKind): boolean => faultKinds[kind].channels.some((one) => one === 'aws');

/** About how many steps of a function a run has at which such a fault could strike. */
const reach = (kind: FaultKind): number => {
  if (kind === 'swallowed') return 4;
  if (onAws(kind)) return 160;
  if (onMail(kind)) return 'names' in faultKinds[kind] ? 12 : 60;
  return 8;
};

/** More than the SDK tries by itself; a server that changes its identity more often than we bear. */
const timesOf = (kind: FaultKind, random: Random): number => {
  if (kind === 'throttled' || kind === 'failedInside' || kind === 'requestLost') return random.pick([1, 3, 4, 9]);
  if (kind === 'changesIdentityEachTime') return 7;
  if (kind === 'cutShort') return random.pick([1, 20]);
  if (kind === 'hangs' || kind === 'closes' || kind === 'saysGoodbye' || kind === 'refuses')
    return random.pick([1, 1, 1, 3]);
  return 1;
};

/** The faults of a random round. */
export const drawPlan = (random: Random): readonly PlannedFault[] =>
  Array.from({ length: random.whole(8, 16) }, (): PlannedFault => {
    const kind = random.pickWeighted(allFaultKinds, (one) => faultKinds[one].weight);
    const times = timesOf(kind, random);
    // Early steps are the ones that every run reaches.
    const skip = Math.floor(random.next() ** 1.5 * reach(kind));
    const fault = { kind, skip, ...(times === 1 ? {} : { times }) };
    if (!onAws(kind)) return fault;
    const [name] = random.pickWeighted(functions, ([, weight]) => weight);
    return { ...fault, function: name };
  });
