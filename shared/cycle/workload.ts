import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials } from '../transport/connection.ts';
import type { Cycle, CycleCounts, FolderCursor } from './cycle.ts';
import type { CycleLimit } from './cycle-budget.ts';

/** Asks, before an item is begun, whether it ended earlier runs: present only after a run of this generation died. */
export interface CarefulMode {
  /** Notes the item as begun. `setAside` when three runs have died on it: store it unparsed and go on. */
  begin(item: string): Promise<'process' | 'setAside'>;
}

/** Everything that one run of a workload may use. */
export interface WorkloadRun {
  readonly organization: Organization;
  readonly mailbox: Mailbox;
  readonly serverProfile: ServerProfile;
  readonly credentials: Credentials;
  /** As it stood when the run began. */
  readonly cycle: Cycle;
  /** Stop taking new items at this instant (epoch milliseconds) and return with `more`. */
  readonly deadline: number;
  readonly careful: CarefulMode | undefined;
  /** Until when nobody tries the server that is read (epoch milliseconds), as it stood when the run began; absent: it is well. */
  readonly readingPausedUntil?: number | undefined;
  readonly now: () => Date;
  /**
   * Moves a folder's cursor. Refused (the run is over: FenceError) when the generation moved on, another reading than
   * that of `previous` stands there, or the cursor would move back. Call it only once everything up to it is stored,
   * decided or set aside.
   */
  saveCursor(folder: string, previous: FolderCursor | undefined, next: FolderCursor): Promise<void>;
}

export interface WorkloadOutcome {
  readonly counts: CycleCounts;
  /** The deadline came first: go on at once in the next generation. */
  readonly more: boolean;
  /** The limit of a cycle that ended this one before the deadline. */
  readonly limit?: CycleLimit | undefined;
  /** Items known to wait. */
  readonly backlog: number;
  /**
   * Outgoing: when the next email is due (epoch milliseconds), null when the outbox is empty, undefined to let the
   * schedule policy decide (incoming).
   */
  readonly nextDue?: number | null;
  /** Why what is due waits until `nextDue`, where that is not its own doing: a code of the fault catalogue. */
  readonly waitsFor?: FaultCode;
}

/** One lane's work. Throws TransportError when the server or the login fails; anything else thrown is a defect. */
export interface WorkloadRunner {
  /**
   * Looks, before a connection is taken, whether there is anything to do; `nextDue` as in WorkloadOutcome.
   * Absent: there is always something to look at.
   */
  readonly look?: (
    organizationId: string,
    mailboxId: string,
    now: Date,
  ) => Promise<{ readonly due: boolean; readonly nextDue: number | null }>;
  readonly run: (run: WorkloadRun) => Promise<WorkloadOutcome>;
}
