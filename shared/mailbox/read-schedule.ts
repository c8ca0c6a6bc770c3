import type { CycleControl } from '../cycle/cycle-control.ts';
import { laneShareKey } from '../lane-share/lane-shares.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import type { ThrottleReader } from '../throttle/throttle-reader.ts';
import { type Mailbox, synchronizedWorkloads } from './mailbox.ts';
import { type Health, mailboxHealth, type ScheduleInput } from './mailbox-schedule.ts';
import { describeStandstill } from './waiting.ts';

export interface ScheduleContext {
  readonly store: EntityStore;
  readonly cycles: CycleControl;
  readonly throttle: ThrottleReader;
  readonly organization: Organization;
  readonly now: () => Date;
}

/** Gathers what describeSchedule tells from. */
export const readSchedule = async (context: ScheduleContext, mailbox: Mailbox): Promise<ScheduleInput> => {
  const { store, cycles, throttle, organization, now } = context;
  const { serverProfileId } = mailbox;
  const [present, serverProfile, state, incoming, outgoing] = await Promise.all([
    cycles.read(organization.id, mailbox.id),
    serverProfileId === null ? undefined : store.get(serverProfileKind, organization.id, serverProfileId),
    serverProfileId === null ? undefined : throttle.read(organization.id, serverProfileId),
    throttle.readLine(laneShareKey(organization.id, 'incoming')),
    throttle.readLine(laneShareKey(organization.id, 'outgoing')),
  ]);
  const { q = 0, sendingQ = 0 } = state?.lines ?? {};
  return {
    mailbox,
    cycles: present,
    running: new Set(synchronizedWorkloads.filter((name) => state?.holders.has(`${mailbox.id}+${name}`))),
    lines: {
      incoming: { connection: q, share: incoming },
      // Where no place is kept for sending, those who send wait among those who read.
      outgoing: { connection: sendingQ > 0 ? sendingQ : q, share: outgoing },
    },
    standstill: describeStandstill(organization),
    schedule: organization.settings.schedule,
    minPollingMinutes: serverProfile?.minPollingMinutes ?? 0,
    now: now(),
  };
};

/** For lists that are filtered by health: the same rule without a look at who is connected right now. */
export const readHealth = async (
  { cycles, organization, now }: Pick<ScheduleContext, 'cycles' | 'organization' | 'now'>,
  mailbox: Mailbox,
): Promise<Health> => {
  const input = {
    mailbox,
    running: new Set<never>(),
    standstill: describeStandstill(organization),
    schedule: organization.settings.schedule,
    minPollingMinutes: 0,
    now: now(),
  };
  const withoutCycles = mailboxHealth({ ...input, cycles: {} });
  // Only what runs depends on its cycles.
  return withoutCycles === 'off'
    ? 'off'
    : mailboxHealth({ ...input, cycles: await cycles.read(organization.id, mailbox.id) });
};
