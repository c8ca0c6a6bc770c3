import { clearConnectionAlerts } from '../alert/connection-alerts.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Gate } from '../throttle/connection-gate.ts';

interface Tested {
  readonly fault?: unknown;
}

/** Ends the alerts that told of each server of a profile that a test found well, and its pause. */
export const resumeProfile = async (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  gate: Gate,
  organizationId: string,
  serverProfileId: string,
  { incoming, outgoing }: { readonly incoming?: Tested; readonly outgoing?: Tested },
): Promise<void> => {
  for (const [side, test] of [
    ['reading', incoming],
    ['sending', outgoing],
  ] as const) {
    if (test === undefined || test.fault !== undefined) continue;
    await gate.resumeProfile(
      (except) => clearConnectionAlerts(store, organizationId, serverProfileId, { now: now(), except }),
      side,
    );
  }
};
