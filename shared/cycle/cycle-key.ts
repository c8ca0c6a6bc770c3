import { type SynchronizedWorkload, synchronizedWorkloads } from '../mailbox/mailbox.ts';

export interface CycleName {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly workload: SynchronizedWorkload;
}

export const cyclePartition = (organizationId: string, mailboxId: string): string => `${organizationId}#${mailboxId}`;

/** What the key of a cycle names; undefined for items of other kinds. */
export const readCycleKey = (item: Readonly<Record<string, unknown>>): CycleName | undefined => {
  const workload = synchronizedWorkloads.find((name) => name === item['sk']);
  const [organizationId, mailboxId, ...rest] = String(item['pk']).split('#');
  if (workload === undefined || organizationId === undefined || mailboxId === undefined || rest.length > 0)
    return undefined;
  return { organizationId, mailboxId, workload };
};

export const cycleKey = (organizationId: string, mailboxId: string, workload: SynchronizedWorkload) => ({
  pk: cyclePartition(organizationId, mailboxId),
  sk: workload,
});
