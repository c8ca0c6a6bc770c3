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
  ['watchdog', 1],
  ['dead-letters', 0.5],
];

/** About how many points each has. */
const pointsOf: Readonly<Record<InvokedFunction, number>> = {
  incoming: 90,
  outgoing: 110,
  api: 110,
  feed: 16,
  operations: 90,
  watchdog: 6,
  'dead-letters': 6,
};
/** Shares of the points at which faults other than kills can strike. */
const pointsOfAws = 0.4;
const pointsOfMail = 60;

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
    const repeated = times === 1 ? {} : { times };
    const [name] = random.pickWeighted(functions, ([, weight]) => weight);
    const target = onAws(kind) ? { function: name } : {};
    const isPlain = !(onAws(kind) || onMail(kind)) || 'names' in faultKinds[kind];
    // Half of them at a point, whichever, and half at a step, whichever: most steps are of a few points.
    if (isPlain || random.chance(0.4))
      return { kind, ...target, ...repeated, skip: Math.floor(random.next() ** 1.5 * reach(kind)) };
    const oneIn = !onAws(kind) ? pointsOfMail : onMail(kind) ? pointsOf[name] : Math.ceil(pointsOf[name] * pointsOfAws);
    const lot = { salt: random.whole(0, 2 ** 31), oneIn };
    return { kind, ...target, ...repeated, lot, skip: random.pick([0, 0, 0, 1, 2]) };
  });
