import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import { endMarginMilliseconds } from '../cycle/run-time.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { resumeProfile } from '../server-profile/resume-profile.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Dialler } from '../transport/connection.ts';
import type { ImapSession } from '../transport/imap/imap-session.ts';
import { openImapSession } from '../transport/imap/open-imap-session.ts';
import { TransportError } from '../transport/transport-error.ts';
import { concludeCopy, writeOfCopy } from './conclude-sent-copy.ts';
import { type Email, emailKind } from './email.ts';
import { type OutboxEntry, type QueuedSend, settleEntry } from './outbox.ts';

export interface SentCopyDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly dialler: Dialler;
  readonly gate: ConnectionGate;
}

const copyAttempts = 5;
const shortestWaitMilliseconds = 15_000;
const commonNames = /^(?:inbox[./])?sent(?: items| messages| mail)?$/i;

/** Files one message in the Sent folder, once: a run that died after filing it finds it there (RFC 9051 6.3.12). */
export const fileSentCopy = async (
  session: ImapSession,
  folder: string,
  messageId: string,
  content: Buffer,
): Promise<void> => {
  if ((await session.findByMessageId(folder, messageId)) === undefined)
    await session.append(folder, content, ['\\Seen']);
};

/** The folder of the special use \Sent (RFC 6154), else one that is called so, else a new one. */
const findSentFolder = async (session: ImapSession): Promise<string> => {
  const folders = await session.listFolders();
  const found = folders.find(({ role }) => role === 'sent') ?? folders.find(({ path }) => commonNames.test(path));
  if (found !== undefined) return found.id;
  await session.createFolder('Sent');
  return 'Sent';
};

const nextTry = ({ organization, now }: WorkloadRun): number =>
  now().getTime() + organization.settings.outgoing.retry.seconds * 1000;

interface Copy {
  readonly queued: QueuedSend;
  readonly email: Email & { readonly rawKey: string; readonly messageId: string };
}

const removeEntry = (deps: SentCopyDependencies, run: WorkloadRun, queued: QueuedSend): Promise<void> =>
  writeOfCopy(deps.store, settleEntry(run.organization.id, queued, queued.entry, undefined));

/** The place of this run is a connection to the same profile, and its SMTP connection is closed by now. */
const mustShareOwnPlace = (run: WorkloadRun): boolean => run.serverProfile.maxConnections === 1;

/** Where the host is the same, too, the run's own place will do when no other is free: under a cap of 1 none ever is. */
const mayShareOwnPlace = ({ serverProfile: { incoming, outgoing } }: WorkloadRun): boolean =>
  incoming.host.toLowerCase() === outgoing.host.toLowerCase();

const openSession = async (
  deps: SentCopyDependencies,
  run: WorkloadRun,
): Promise<{ readonly session: ImapSession; readonly leave: () => Promise<void> } | { readonly waitUntil: number }> => {
  const { incoming, caCertificates, timeoutSeconds } = run.serverProfile;
  // Known from the run's own place, so that waiting costs nothing; where there is but that one, it is the only sign.
  if ((run.readingPausedUntil ?? 0) > run.now().getTime()) return { waitUntil: run.readingPausedUntil ?? 0 };
  const answer = mustShareOwnPlace(run)
    ? undefined
    : await deps.gate.enter({
        organizationId: run.organization.id,
        serverProfile: run.serverProfile,
        host: incoming.host,
        mailboxId: run.mailbox.id,
        lane: 'sentCopy',
        generation: run.cycle.generation,
        // As long as the run's own place: the session may last until the function is stopped.
        expiresAt: run.deadline + endMarginMilliseconds + leaseMarginMilliseconds,
        hasTicket: false,
        probeUntil: nextTry(run),
      });
  const refusal = answer !== undefined && 'refused' in answer ? answer : undefined;
  if (refusal !== undefined && !(refusal.refused === 'full' && mayShareOwnPlace(run)))
    return { waitUntil: refusal.until };
  const gate = answer !== undefined && 'leave' in answer ? answer : undefined;
  try {
    const session = await openImapSession(
      { ...incoming, caCertificates, timeoutSeconds },
      run.credentials,
      deps.dialler,
      {
        deadline: run.deadline,
      },
    );
    if (gate !== undefined)
      await resumeProfile({ store: deps.store, now: run.now }, gate, run.organization.id, run.serverProfile.id, {
        incoming: {},
      });
    return {
      session,
      leave: async () => {
        await session.close();
        await gate?.leave();
      },
    };
  } catch (error) {
    await gate?.leave();
    throw error;
  }
};

const postpone = (run: WorkloadRun, queued: QueuedSend, change: Partial<OutboxEntry>): RecordWrite =>
  settleEntry(run.organization.id, queued, queued.entry, { ...queued.entry, ...change });

/**
 * A copy that cannot be filed is tried again a few times; whether the email is sent is not touched by it. Who tries a
 * paused server finds nothing out about the copy.
 */
const noteFailure = async (
  deps: SentCopyDependencies,
  run: WorkloadRun,
  copy: Copy,
  error: TransportError,
): Promise<void> => {
  const { queued } = copy;
  const attempts = (queued.entry.copyAttempts ?? 0) + (run.readingPausedUntil === undefined ? 1 : 0);
  if (attempts < copyAttempts) {
    await writeOfCopy(deps.store, postpone(run, queued, { copyAttempts: attempts, notBefore: nextTry(run) }));
    return;
  }
  await raiseAlert(deps.store, {
    organizationId: run.organization.id,
    level: 'warning',
    scope: 'mailbox',
    fault: createFault('sentCopyFailed', { detail: error.fault.detail, cause: error.fault.title }),
    subject: { type: 'mailbox', id: run.mailbox.id },
    mailboxId: run.mailbox.id,
    now: run.now(),
  });
  await concludeCopy(deps.store, run.organization, copy.queued, 'failed');
};

const needsCopy = (email: Email | undefined): email is Copy['email'] =>
  email?.rawKey != null && email.messageId !== null && email.delivery?.sentCopy === 'pending';

const loadCopies = async (
  deps: SentCopyDependencies,
  run: WorkloadRun,
  entries: readonly QueuedSend[],
): Promise<Copy[]> => {
  const copies: Copy[] = [];
  for (const queued of entries) {
    const email = await deps.store.get(emailKind, run.organization.id, queued.entry.emailId);
    if (needsCopy(email)) copies.push({ queued, email });
    else await removeEntry(deps, run, queued);
  }
  return copies;
};

/**
 * Files the copies of sent emails in the mailbox's Sent folder, over one connection with a place of its own. Never
 * throws for what the server does: a copy that fails is tried again by a later run.
 */
export const fileSentCopies = async (
  deps: SentCopyDependencies,
  run: WorkloadRun,
  entries: readonly QueuedSend[],
): Promise<void> => {
  const copies = await loadCopies(deps, run, entries);
  if (copies.length === 0) return;
  if (run.serverProfile.incoming.protocol !== 'imap') {
    for (const copy of copies) await concludeCopy(deps.store, run.organization, copy.queued, 'none');
    return;
  }
  let opened: Awaited<ReturnType<typeof openSession>>;
  try {
    opened = await openSession(deps, run);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    for (const copy of copies) await noteFailure(deps, run, copy, error);
    return;
  }
  if ('waitUntil' in opened) {
    const notBefore = Math.max(opened.waitUntil, run.now().getTime() + shortestWaitMilliseconds);
    for (const { queued } of copies) await writeOfCopy(deps.store, postpone(run, queued, { notBefore }));
    return;
  }
  try {
    await fileAll(deps, run, opened.session, copies);
  } finally {
    await opened.leave();
  }
};

/** A large message should be in memory once. */
const withoutCopying = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const fileAll = async (
  deps: SentCopyDependencies,
  run: WorkloadRun,
  session: ImapSession,
  copies: readonly Copy[],
): Promise<void> => {
  let folder: string | undefined;
  let stored = 0;
  for (const copy of copies) {
    const { email } = copy;
    if (run.now().getTime() >= run.deadline) break;
    try {
      folder ??= await findSentFolder(session);
      const content = await deps.content.read(email.rawKey);
      if (content !== undefined) await fileSentCopy(session, folder, email.messageId, withoutCopying(content));
      await concludeCopy(deps.store, run.organization, copy.queued, content === undefined ? 'failed' : 'stored');
      stored += 1;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      await noteFailure(deps, run, copy, error);
    }
  }
  if (stored > 0)
    await clearAlert(deps.store, run.organization.id, 'sentCopyFailed', run.mailbox.id, { now: run.now() });
};
