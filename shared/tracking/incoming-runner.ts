import { CycleBudget } from '../cycle/cycle-budget.ts';
import type { WorkloadOutcome, WorkloadRun, WorkloadRunner } from '../cycle/workload.ts';
import { activeRules } from '../folder-rule/follow-folder.ts';
import { readRuleFolder } from '../folder-rule/read-rule-folder.ts';
import { deletesProcessed } from '../mailbox/mailbox.ts';
import { mailboxSource, openMailboxSession } from '../mailbox/open-mailbox-session.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Dialler } from '../transport/connection.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import type { TrackedFolder } from './fetch-window.ts';
import { findProcessFrom } from './process-from.ts';
import { type FolderOutcome, readFolder } from './read-folder.ts';
import { readSentFolder } from './read-sent-folder.ts';
import { TrackingLookups } from './tracking-lookups.ts';
import type { TrackingRun } from './tracking-run.ts';

export interface IncomingDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly dialler: Dialler;
}

/** The window that is under way may go on for this long after the run should begin no new one. */
const lastWindowMilliseconds = 6_000;

/** The Sent folder, where it is looked at for its own sake: undefined also where the server has none. */
const findSentFolder = async (
  session: MailboxSession,
  { organization, mailbox }: WorkloadRun,
): Promise<TrackedFolder | undefined> => {
  if (!organization.settings.tracking.sentItems || mailbox.kind === 'forward') return undefined;
  const sent = (await session.listFolders()).find(({ role }) => role === 'sent');
  // A rule has all of a folder tracked, and a folder has one cursor.
  const hasRule = activeRules({ organization, mailbox }).some(({ folderId }) => folderId === sent?.id);
  return sent === undefined || hasRule ? undefined : { path: sent.id, direction: 'outgoing' };
};

const readFolders = async (deps: IncomingDependencies, run: WorkloadRun, session: MailboxSession) => {
  const { organization, mailbox, serverProfile } = run;
  const lookups = new TrackingLookups(deps.store, organization, mailbox.ownerId);
  const tracking: TrackingRun = {
    organization,
    mailbox,
    mailboxOwner: () => lookups.ownerOf(mailbox),
    processFrom: findProcessFrom(mailbox, serverProfile),
    store: deps.store,
    content: deps.content,
    lookups,
    session,
    author: { origin: 'mailbox', actor: { type: 'mailbox', id: mailbox.id } },
    now: run.now,
  };
  const budget = new CycleBudget(organization.settings.limits.cycle, run.deadline, run.now);
  const counts = { seen: 0, tracked: 0, skipped: 0, failed: 0 };
  let more = false;
  let backlog = 0;
  const read = async (folder: TrackedFolder): Promise<FolderOutcome> => {
    const outcome = await readFolder(run, tracking, folder, { source: mailboxSource(run), budget });
    counts.seen += outcome.counts.seen;
    counts.tracked += outcome.counts.tracked;
    counts.skipped += outcome.counts.skipped;
    counts.failed += outcome.counts.failed;
    more ||= outcome.more;
    backlog += outcome.backlog;
    return outcome;
  };
  const sent = await findSentFolder(session, run);
  await read({ path: 'INBOX', direction: 'incoming' });
  if (sent !== undefined) await readSentFolder(tracking, sent, run.cycle.cursors[sent.path], read);
  const { consecutiveFailures: failures } = run.cycle;
  for (const rule of activeRules(tracking)) await readRuleFolder(tracking, rule, failures, read);
  return { counts, more, limit: more ? budget.met() : undefined, backlog };
};

/** The incoming lane's work: reads what is new in a mailbox and decides about each message. */
export const createIncomingRunner = (deps: IncomingDependencies): WorkloadRunner => ({
  run: async (run): Promise<WorkloadOutcome> => {
    const { organization, mailbox, serverProfile, credentials, cycle } = run;
    const session = await openMailboxSession(
      { table: deps.store.table, dialler: deps.dialler, now: run.now },
      {
        organizationId: organization.id,
        mailboxId: mailbox.id,
        serverProfile,
        credentials,
        cursor: cycle.cursors['INBOX'],
        deletesProcessed: deletesProcessed(mailbox),
      },
      run.deadline + lastWindowMilliseconds,
    );
    try {
      return await readFolders(deps, run, session);
    } finally {
      await session.close();
    }
  },
});
