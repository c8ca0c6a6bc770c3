import * as z from 'zod';
import type { Cycle } from '../cycle/cycle.ts';
import { movesEmail, type Organization } from '../organization/organization.ts';

/** Why a workload that has something to do does not do it now, where that is not its own interval. */
export const waitingSchema = z
  .object({
    code: z
      .string()
      .meta({ description: 'A code of the catalogue of problems, or the name of the setting that limits.' }),
    detail: z.string(),
    until: z.string().nullable().meta({ description: 'When it goes on, or asks again.' }),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.output<typeof waitingSchema>;

/** Until when those wait who are due and found no place (epoch milliseconds); the past: nobody waits. */
export interface WaitingLines {
  /** At the server of the profile, in the line of this workload. */
  readonly connection: number;
  /** In the lane, for the share of the organization. */
  readonly share: number;
}

/** Why no mailbox of the organization runs, until somebody lets them; undefined: they run. */
export const describeStandstill = (organization: Organization): Waiting | undefined => {
  if (movesEmail(organization)) return undefined;
  return organization.status === 'active'
    ? { code: 'channelIsEmailRouter', detail: 'Email goes through the Email Router, so nothing runs here', until: null }
    : { code: 'organizationSuspended', detail: 'The organization is suspended, so nothing runs', until: null };
};

/** By the reason that the last cycle noted for the next one. */
const details: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  maxMessages: ['maxMessages', 'The last cycle met limits.cycle.maxMessages; the rest goes on behind other mailboxes'],
  maxBytes: ['maxBytes', 'The last cycle met limits.cycle.maxBytes; the rest goes on behind other mailboxes'],
  maxSeconds: ['maxSeconds', 'The last cycle met limits.cycle.maxSeconds; the rest goes on behind other mailboxes'],
  slicesPerHour: [
    'sliceLimitReached',
    'The mailbox has used up limits.slicesPerHour and goes on when the hour is over',
  ],
  quotaReached: ['quotaReached', 'The server profile has sent as many emails as its sendLimits allow'],
  throttled: ['throttled', 'The server asks to come back later'],
  profilePaused: ['profilePaused', 'The server profile is paused because its server fails; one success resumes it'],
};

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Pure. Null: it runs, rests, or waits for nothing but its time. */
export const describeWaiting = (
  cycle: Cycle,
  lines: WaitingLines,
  { isRunning, now }: { readonly isRunning: boolean; readonly now: number },
): Waiting | null => {
  if (isRunning || !cycle.enabled || cycle.due === null) return null;
  const isDue = cycle.due <= now;
  const waitsUntil = cycle.waitsUntil ?? 0;
  if (isDue && Math.max(waitsUntil, lines.connection) > now)
    return {
      code: 'connectionLimit',
      detail: 'All connections that the server profile allows are in use; it has its turn when one is free',
      until: instant(waitsUntil > now ? waitsUntil : lines.connection),
    };
  if (isDue && lines.share > now)
    return {
      code: 'laneShareUsedUp',
      detail: 'The organization has as much work under way as its share of the lane allows',
      until: instant(lines.share),
    };
  const known = details[cycle.reason ?? ''];
  if (known === undefined) return null;
  const [code, detail] = known;
  return { code, detail, until: isDue ? null : instant(cycle.due) };
};
