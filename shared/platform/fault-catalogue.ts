import { decisionFaults } from './faults/decision-faults.ts';
import type { FaultEntry } from './faults/fault-entry.ts';
import { feedFaults } from './faults/feed-faults.ts';
import { mailboxFaults } from './faults/mailbox-faults.ts';
import { requestFaults } from './faults/request-faults.ts';
import { sendFaults } from './faults/send-faults.ts';
import { serverFaults } from './faults/server-faults.ts';

/** Every stable code with the words that a person reads. The pages under /problems/ are made from it. */
const entries = {
  ...requestFaults,
  ...mailboxFaults,
  ...serverFaults,
  ...sendFaults,
  ...decisionFaults,
  ...feedFaults,
};

export type FaultCode = keyof typeof entries;

export const faultCatalogue: Readonly<Record<FaultCode, FaultEntry>> = entries;
