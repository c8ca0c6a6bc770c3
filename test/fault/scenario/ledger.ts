/** What was put in from outside, for comparison with what became of it. */
export interface Ledger {
  /** Subjects of messages that must be tracked. */
  readonly wholesome: Set<string>;
  /** Subjects of messages that may be set aside. */
  readonly hostile: Set<string>;
  /** Sends that the API has accepted: the address of each recipient, and what must become of it. */
  readonly sends: Map<string, readonly Recipient[]>;
  /** Synchronize operations that were answered. */
  readonly operations: Set<string>;
}

export interface Recipient {
  readonly address: string;
  /** delivered: to a mailbox that can be looked into. */
  readonly expected: 'delivered' | 'refused' | 'deferred';
}

export const createLedger = (): Ledger => ({
  wholesome: new Set(),
  hostile: new Set(),
  sends: new Map(),
  operations: new Set(),
});
