import * as z from 'zod';
import type { Cycle } from '../cycle/cycle.ts';
import type { CycleControl } from '../cycle/cycle-control.ts';
import { failedSince } from '../cycle/failed-since.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import type { ThrottleReader } from '../throttle/throttle-reader.ts';
import { listProfileMailboxes } from './profile-mailboxes.ts';
import type { ServerProfile } from './server-profile.ts';

export const profileHealthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'paused']).meta({
      description:
        'paused: a server of the profile fails, and nobody tries it before pausedUntil; degraded: half of the mailboxes, or more, are failing.',
    }),
    openConnections: z.int(),
    maxConnections: z.int(),
    mailboxes: z.int(),
    failingLastHour: z.int().meta({ description: 'Mailboxes whose last cycle within the past hour failed.' }),
    pausedUntil: z.string().optional(),
    fault: faultSchema.optional(),
  })
  .meta({ id: 'ServerProfileHealth' });
export type ProfileHealth = z.output<typeof profileHealthSchema>;

export interface HealthDependencies {
  readonly store: EntityStore;
  readonly cycles: CycleControl;
  readonly throttle: ThrottleReader;
  readonly now: () => Date;
}

const hourMilliseconds = 3_600_000;
const readAtOnce = 25;

/** How a profile's servers fare, told from its connections and from the cycles of its mailboxes. */
export const readProfileHealth = async (
  { store, cycles, throttle, now }: HealthDependencies,
  organizationId: string,
  serverProfile: ServerProfile,
): Promise<ProfileHealth> => {
  const { openConnections, paused } = await throttle.read(organizationId, serverProfile.id);
  const since = now().getTime() - hourMilliseconds;
  // Once the profile is resumed, what failed on its pause alone is about to run.
  const fails = (cycle: Cycle | undefined): boolean =>
    failedSince(cycle, since) && (paused !== undefined || (cycle?.consecutiveFailures ?? 0) > 0);
  let mailboxes = 0;
  let failingLastHour = 0;
  for await (const page of listProfileMailboxes(store.table, organizationId, serverProfile.id)) {
    mailboxes += page.length;
    await forEachParallel(page, readAtOnce, async (mailboxId) => {
      const { incoming, outgoing } = await cycles.read(organizationId, mailboxId);
      if (fails(incoming) || fails(outgoing)) failingLastHour += 1;
    });
  }
  const degraded = failingLastHour > 0 && failingLastHour * 2 >= mailboxes;
  return {
    status: paused !== undefined ? 'paused' : degraded ? 'degraded' : 'ok',
    openConnections,
    maxConnections: serverProfile.maxConnections,
    mailboxes,
    failingLastHour,
    ...(paused === undefined ? {} : { pausedUntil: new Date(paused.until).toISOString() }),
    ...(paused?.fault === undefined ? {} : { fault: paused.fault }),
  };
};
