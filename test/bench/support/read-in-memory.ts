import type { Cycle } from '../../../shared/cycle/cycle.ts';
import type { WorkloadRun } from '../../../shared/cycle/workload.ts';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import type { StoredItem } from '../../../shared/platform/records-table.ts';
import { serverProfileKind } from '../../../shared/server-profile/server-profile.ts';
import { createIncomingRunner } from '../../../shared/tracking/incoming-runner.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import type { Row } from './figure.ts';
import { decimals, median, times, whole } from './format.ts';
import type { BenchMailbox, HubWorld } from './hub-world.ts';
import { createMemoryContent } from './memory-content.ts';
import { createMemoryTable } from './memory-table.ts';

/** How long reading a mailbox took. */
export interface Reading {
  readonly seconds: number;
  /** Of this process alone; the server's is not in it. */
  readonly processorSeconds: number;
}

export const measureReading = async (read: () => Promise<void>): Promise<Reading> => {
  const began = performance.now();
  const processor = process.cpuUsage();
  await read();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(processor);
  return { seconds, processorSeconds: (user + system) / 1e6 };
};

/** The lane's runner over the mailbox, with all that the hub has stored so far copied into memory. */
export const readInMemory = async (
  hub: HubWorld,
  { mailboxId, mailUser }: BenchMailbox,
  expected: { readonly tracked: number; readonly skipped: number },
): Promise<Reading> => {
  const table = createMemoryTable((await hub.api.allRecords()) as readonly StoredItem[]);
  const store = new EntityStore(table);
  const organization = await store.get(organizationKind, hub.organizationId, hub.organizationId);
  const mailbox = await store.get(mailboxKind, hub.organizationId, mailboxId);
  if (organization === undefined || mailbox?.serverProfileId == null) throw new Error('There is no such mailbox');
  const serverProfile = await store.get(serverProfileKind, hub.organizationId, mailbox.serverProfileId);
  if (serverProfile === undefined) throw new Error('There is no such profile');
  const runner = createIncomingRunner({
    store,
    content: createMemoryContent(),
    dialler: createDialler(createHostPolicy(['127.0.0.0/8'])),
  });
  const run: WorkloadRun = {
    organization,
    mailbox,
    serverProfile,
    credentials: { authentication: 'password', username: mailUser.username, password: mailUser.password },
    cycle: { cursors: {} } as unknown as Cycle,
    deadline: Date.now() + 600_000,
    careful: undefined,
    now: () => new Date(),
    saveCursor: async () => undefined,
  };
  return measureReading(async () => {
    const { counts } = await runner.run(run);
    if (counts.tracked !== expected.tracked || counts.skipped !== expected.skipped)
      throw new Error(`Tracked ${counts.tracked} and skipped ${counts.skipped} messages`);
  });
};

/** One row: readings of so many messages beside those of another program in the same rounds. */
export const compareReadings = (
  what: string,
  messages: number,
  readings: readonly Reading[],
  peer: { readonly name: string; readonly seconds: readonly number[] },
  budget?: number,
): Row => {
  const ratios = readings.map(({ seconds }, round) => (peer.seconds[round] ?? 0) / seconds);
  const processor = median(readings.map(({ processorSeconds }) => processorSeconds));
  return {
    what,
    value: `${whole(messages / median(readings.map(({ seconds }) => seconds)))}/s, ${decimals((processor * 1000) / messages, 2)} ms of the processor each`,
    against: `${peer.name} ${whole(messages / median(peer.seconds))}/s`,
    ratio: times(median(ratios)),
    ...(budget === undefined ? {} : { budget: times(budget), kept: median(ratios) >= budget }),
  };
};
