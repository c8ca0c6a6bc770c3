import { decisionFaults } from './faults/decision-faults.ts';
import type { FaultEntry } from './faults/fault-entry.ts';
import { feedFaults } from './faults/feed-faults.ts';
import { mailboxFaults } from './faults/mailbox-faults.ts';
import { requestFaults } from './faults/request-faults.ts';
import { reservedFaults } from './faults/reserved-faults.ts';
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
  ...reservedFaults,
};

export type FaultCode = keyof typeof entries;

/** Whether nothing in this release gives the code yet. */
export const isReserved = (code: FaultCode): boolean => Object.hasOwn(reservedFaults, code);

export const faultCatalogue: Readonly<Record<FaultCode, FaultEntry>> = entries;
