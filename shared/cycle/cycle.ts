import * as z from 'zod';

/** How far a folder has been read. Identity of a message in a mailbox: (folder, UIDVALIDITY, UID), RFC 3501 2.3.1.1. */
const folderCursorShape = z.object({
  uidValidity: z.string(),
  /** Tells the mailbox on its server from every other one; another login or host is another mailbox. */
  source: z.string(),
  /** Counts how often the folder was begun anew; within one reading `lastUid` only rises. */
  reading: z.int().positive(),
  /** The highest UID that has been stored, decided or set aside. */
  lastUid: z.int().nonnegative(),
  /** Messages up to this UID stood there when the reading began: what was decided before stays so. */
  knownUpTo: z.int().nonnegative(),
  /** Of those, what the server received before this instant is not looked at; null: all are. */
  since: z.string().nullable(),
  /** Where tracking started when the reading began; an earlier start begins the folder anew. */
  processFrom: z.string().nullable(),
  /** UIDNEXT as STATUS gave it before the last complete read; equal again = nothing new. */
  uidNext: z.int().optional(),
  /** Of a server that knows no UIDs: the sum of what it listed then; equal again = nothing came and nothing left. */
  listing: z.string().optional(),
  /** UIDVALIDITY changes in consecutive cycles. */
  resets: z.int().nonnegative(),
  /** Runs in a row have ended at a message up to `upToUid` that the server lists and does not send. */
  withheld: z.object({ upToUid: z.int(), runs: z.int().positive(), since: z.string() }).optional(),
  /** The tracked keyword: HIGHESTMODSEQ before it was last looked for, and a print of the messages that bore it. */
  category: z
    .object({ keyword: z.string(), seen: z.string(), modseq: z.string().optional(), failing: z.boolean() })
    .optional(),
});
export type FolderCursor = z.output<typeof folderCursorShape>;
/** Keeps fields that a later release has put there: a cursor is written whole. */
export const folderCursorSchema: z.ZodType<FolderCursor> = folderCursorShape.loose();

export const cycleCountsSchema = z.object({
  seen: z.int(),
  tracked: z.int(),
  skipped: z.int(),
  failed: z.int(),
});
export type CycleCounts = z.output<typeof cycleCountsSchema>;

/** The form in which this release writes a cycle. */
const cycleVersion = 1;

/**
 * Whether a release later than this one wrote the item: after a roll back it is to be left as it stands, and not taken for
 * one that is torn.
 */
export const isOfLaterRelease = ({ v }: Readonly<Record<string, unknown>>): boolean =>
  typeof v === 'number' && v > cycleVersion;

/**
 * The small hot item of one (mailbox, workload) in the cycles table: key pk = `<organization>#<mailbox>`,
 * sk = workload. Instants are epoch milliseconds. The lane's runs write it; the API writes only `enabled`,
 * `generation`, `due`, `wakes`, `mailboxVersion` and `synchronizations`.
 */
export const cycleSchema = z
  .object({
    v: z.literal(cycleVersion),
    organizationId: z.string(),
    mailboxId: z.string(),
    workload: z.enum(['incoming', 'outgoing']),
    enabled: z.boolean(),
    /** The fence: a run completes only the generation that it started. */
    generation: z.int().nonnegative(),
    /** When the next run is due; null: nothing to do until a wake. */
    due: z.number().nullable(),
    reason: z.string().optional(),
    /** All places at the server were taken: until when the run that is due waits for its turn, by a timer. */
    waitsUntil: z.number().optional(),
    /** Raised by every wake; a run goes idle only if it has not moved since it looked. */
    wakes: z.int().nonnegative(),
    probing: z.boolean().optional(),
    serverProfileId: z.string(),
    lastStartedAt: z.number().optional(),
    lastCompletedAt: z.number().optional(),
    lastSuccessAt: z.number().optional(),
    consecutiveFailures: z.int().nonnegative(),
    /** Logins in a row that the server refused for the credential's sake. */
    credentialRefusals: z.int().optional(),
    firstRefusalAt: z.number().optional(),
    /** When the credentials were set that have worked last; others have not proven themselves yet. */
    workedCredential: z.string().optional(),
    idleCycles: z.int().nonnegative(),
    /** An alert stands that no other figure here tells of; the next success clears it. */
    alerted: z.boolean().optional(),
    lastCounts: cycleCountsSchema.optional(),
    backlog: z.int().optional(),
    cursors: z.record(z.string(), folderCursorSchema),
    /** The item that a careful run is at, and how many runs have begun it. */
    marker: z.object({ item: z.string(), attempts: z.int().positive() }).optional(),
    /** Synchronize operations that wait for the next run to start, and those whose run has completed. */
    synchronizations: z.set(z.string()).optional(),
    synchronized: z.set(z.string()).optional(),
    slices: z.object({ hour: z.int(), count: z.int() }).optional(),
  })
  .refine(
    ({ workload, enabled, due }) => workload === 'outgoing' || !enabled || due !== null,
    'A mailbox that is read is always due: nothing would wake it',
  );
export type Cycle = z.output<typeof cycleSchema>;
