import * as z from 'zod';
import type { LaneRecord } from '../../shared/cycle/run-lane-batch.ts';
import type { LaneShares, ShareAnswer, ShareShortage } from '../../shared/lane-share/lane-shares.ts';

export interface LaneSharing {
  readonly shares: LaneShares;
  /** Tells people that an organization's share has been too small for long, or suffices again. */
  readonly report: (organizationId: string, shortage: ShareShortage) => Promise<void>;
}

/** The places that an invocation holds: one for each organization of its batch, until the last of its messages is done. */
export interface HeldPlaces {
  /** Undefined: go on. Else until when the organization's places are all taken (epoch milliseconds). */
  admit(record: LaneRecord): Promise<number | undefined>;
  /** To be called once for each record, admitted or not. */
  finish(record: LaneRecord): Promise<void>;
}

const organizationSchema = z.object({ organizationId: z.string() });

/** Whose message it is; undefined where that cannot be read, which is for whoever processes it to refuse. */
const organizationOf = ({ body }: LaneRecord): string | undefined => {
  try {
    return organizationSchema.parse(JSON.parse(body)).organizationId;
  } catch {
    return undefined;
  }
};

/** @param endsAt when the invocation is stopped (epoch milliseconds) */
export const holdPlaces = (
  records: readonly LaneRecord[],
  sharing: LaneSharing | undefined,
  endsAt: number,
  onUsedUp: () => void,
): HeldPlaces => {
  if (sharing === undefined) return { admit: async () => undefined, finish: async () => undefined };
  const owners = new Map(records.map((record) => [record, organizationOf(record)]));
  const open = new Map<string, Set<LaneRecord>>();
  for (const [record, owner] of owners)
    if (owner !== undefined) open.set(owner, (open.get(owner) ?? new Set()).add(record));
  const answers = new Map<string, Promise<ShareAnswer>>();
  const answerFor = (organizationId: string): Promise<ShareAnswer> => {
    const known = answers.get(organizationId);
    if (known !== undefined) return known;
    const hasTicket = [...(open.get(organizationId) ?? [])].some(({ receiveCount }) => receiveCount > 1);
    const answer = sharing.shares.enter({ organizationId, endsAt, hasTicket });
    answers.set(organizationId, answer);
    return answer;
  };
  return {
    admit: async (record) => {
      const owner = owners.get(record);
      if (owner === undefined) return undefined;
      const answer = await answerFor(owner);
      return 'until' in answer ? answer.until : undefined;
    },
    finish: async (record) => {
      const owner = owners.get(record);
      const left = owner === undefined ? undefined : open.get(owner);
      if (owner === undefined || left?.delete(record) !== true || left.size > 0) return;
      // Refused and failed entries hold nothing.
      const answer = await answers.get(owner)?.catch(() => undefined);
      if (answer === undefined || 'until' in answer) return;
      if (answer.shortage?.state === 'lasting') onUsedUp();
      try {
        if (answer.shortage !== undefined) await sharing.report(owner, answer.shortage);
      } finally {
        await answer.leave();
      }
    },
  };
};
