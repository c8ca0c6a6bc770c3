import type { SynchronizedWorkload } from '../mailbox/mailbox.ts';

export const cyclePartition = (organizationId: string, mailboxId: string): string => `${organizationId}#${mailboxId}`;

export const cycleKey = (organizationId: string, mailboxId: string, workload: SynchronizedWorkload) => ({
  pk: cyclePartition(organizationId, mailboxId),
  sk: workload,
});
