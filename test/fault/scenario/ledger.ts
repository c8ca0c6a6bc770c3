/** What was put in from outside, for comparison with what became of it. */
export interface Ledger {
  /** Subjects of messages that must be tracked, and the round in which they came. */
  readonly wholesome: Map<string, number>;
  /** Sends that the API has accepted. */
  readonly sends: Map<string, AcceptedSend>;
  /** Synchronize operations that were answered. */
  readonly operations: Set<string>;
}

export interface AcceptedSend {
  readonly round: number;
  readonly recipients: readonly Recipient[];
}

export interface Recipient {
  readonly address: string;
  /** delivered: to a mailbox that can be looked into. */
  readonly expected: 'delivered' | 'refused' | 'deferred';
}

export const createLedger = (): Ledger => ({
  wholesome: new Map(),
  sends: new Map(),
  operations: new Set(),
});
