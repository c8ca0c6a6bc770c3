import { type Alert, alertKind } from '../alert/alert.ts';
import type { Cycle } from '../cycle/cycle.ts';
import { type DeadLetter, deadLetterKind } from '../dead-letter/dead-letter.ts';
import type { Organization } from '../organization/organization.ts';
import type { Entity, EntityKind, EntityStore } from '../platform/entity-store.ts';
import { isExpired } from '../platform/expiry.ts';
import { fingerprint } from '../platform/identifier.ts';
import { partition } from '../platform/records-table.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { type Decision, decisionKind } from '../tracking/decision.ts';
import { type CycleLogEntry, cycleLogKind, cycleLogRange } from './cycle-log.ts';
import type { Diagnostics } from './diagnostics-schema.ts';
import { type Mailbox, synchronizedWorkloads } from './mailbox.ts';
import { describeSchedule } from './mailbox-schedule.ts';
import { readSchedule, type ScheduleContext } from './read-schedule.ts';

const shownEntries = 50;

const instant = (milliseconds: number | null | undefined): string | null =>
  milliseconds == null ? null : new Date(milliseconds).toISOString();

const describeCycle = (cycle: Cycle): Diagnostics['cycles'][number] => ({
  workload: cycle.workload,
  enabled: cycle.enabled,
  generation: cycle.generation,
  due: instant(cycle.due),
  waitsUntil: instant(cycle.waitsUntil),
  wakes: cycle.wakes,
  probing: cycle.probing ?? false,
  consecutiveFailures: cycle.consecutiveFailures,
  credentialRefusals: cycle.credentialRefusals ?? 0,
  idleCycles: cycle.idleCycles,
  markerAttempts: cycle.marker?.attempts ?? null,
  folders: Object.entries(cycle.cursors).map(([folder, cursor]) => ({
    folder: folder.toUpperCase() === 'INBOX' ? 'INBOX' : fingerprint(cycle.mailboxId, folder).slice(0, 12),
    uidValidity: cursor.uidValidity,
    reading: cursor.reading,
    lastUid: cursor.lastUid,
    knownUpTo: cursor.knownUpTo,
    uidNext: cursor.uidNext ?? null,
    resets: cursor.resets,
    withheldRuns: cursor.withheld?.runs ?? 0,
  })),
});

const describeWorkload = (
  workload: Mailbox['workloads']['incoming'],
): Diagnostics['mailbox']['workloads']['incoming'] => ({
  method: workload.method,
  state: workload.state,
  mode: workload.mode,
  testStands: workload.testStands,
  lastTest: workload.lastTest,
  disabledBy: workload.disabledBy,
  fault: workload.fault?.code ?? null,
});

const describeMailbox = (mailbox: Mailbox): Diagnostics['mailbox'] => ({
  kind: mailbox.kind,
  version: mailbox.version,
  approval: mailbox.approval.status,
  retired: mailbox.retired,
  hasAddress: mailbox.emailAddress !== null,
  hasUsername: mailbox.credentials.username !== null,
  passwordSetAt: mailbox.credentials.password?.setAt ?? null,
  oauth: mailbox.oauth?.status ?? 'notConnected',
  processEmailFrom: mailbox.processEmailFrom,
  incomingSince: mailbox.incomingSince,
  folderRules: mailbox.folderRules.map(({ status }) => ({ status })),
  workloads: {
    incoming: describeWorkload(mailbox.workloads.incoming),
    outgoing: describeWorkload(mailbox.workloads.outgoing),
    act: describeWorkload(mailbox.workloads.act),
  },
});

const describeProfile = async (
  { store, throttle, organization }: ScheduleContext,
  serverProfileId: string | null,
): Promise<Diagnostics['serverProfile']> => {
  const profile: ServerProfile | undefined =
    serverProfileId === null ? undefined : await store.get(serverProfileKind, organization.id, serverProfileId);
  if (profile === undefined) return null;
  const { openConnections, paused } = await throttle.read(organization.id, profile.id);
  const endpoint = ({ protocol, host, port, security }: ServerProfile['incoming'] | ServerProfile['outgoing']) => ({
    protocol,
    host,
    port,
    security,
  });
  return {
    id: profile.id,
    version: profile.version,
    kind: profile.kind,
    status: profile.status,
    incoming: endpoint(profile.incoming),
    outgoing: endpoint(profile.outgoing),
    credentials: { source: profile.credentials.source, authentication: profile.credentials.authentication },
    maxConnections: profile.maxConnections,
    openConnections,
    timeoutSeconds: profile.timeoutSeconds,
    minPollingMinutes: profile.minPollingMinutes,
    pausedUntil: instant(paused?.until),
    fault: paused?.fault?.code ?? null,
  };
};

/** The newest items of a kind that belong to the mailbox. */
const newest = async <Item extends Entity>(
  store: EntityStore,
  kind: EntityKind<Item>,
  organizationId: string,
  mailboxId: string,
  now: Date,
): Promise<readonly Item[]> => {
  const key = `${partition(organizationId, kind.kind)}#${mailboxId}`;
  const page = await store.list(kind, organizationId, { limit: shownEntries, index: { name: 'byMailbox', key } });
  return page.items.filter((item) => !isExpired(item, now));
};

const describeLog = (entry: CycleLogEntry): Diagnostics['log'][number] => ({
  at: entry.at,
  workload: entry.workload,
  outcome: entry.outcome,
  reason: entry.reason,
  seconds: entry.seconds,
  counts: entry.counts,
  fault: entry.fault?.code ?? null,
  consecutiveFailures: entry.consecutiveFailures,
  nextReason: entry.nextReason,
});

const describeAlert = (alert: Alert): Diagnostics['alerts'][number] => ({
  id: alert.id,
  code: alert.code,
  level: alert.level,
  scope: alert.scope,
  count: alert.count,
  firstAt: alert.firstAt,
  lastAt: alert.lastAt,
  status: alert.status,
});

const describeDecision = (decision: Decision): Diagnostics['decisions'][number] => ({
  id: decision.id,
  decidedAt: decision.decidedAt,
  receivedAt: decision.receivedAt,
  outcome: decision.outcome,
  code: decision.code,
  steps: decision.steps.map(({ step, result }) => ({ step, result })),
});

const describeDeadLetter = (letter: DeadLetter): Diagnostics['deadLetters'][number] => ({
  id: letter.id,
  kind: letter.kind,
  code: letter.fault.code,
  attempts: letter.attempts,
  sizeBytes: letter.sizeBytes,
  firstAt: letter.firstAt,
  status: letter.status,
});

const describeOrganization = ({
  status,
  kind,
  settings,
  settingsVersion,
}: Organization): Diagnostics['organization'] => ({
  status,
  kind,
  channel: settings.processing.channel,
  settingsVersion,
  schedule: settings.schedule,
  recovery: settings.recovery,
});

/** Gathers the bundle. Each part is picked field by field, so that a new field of a resource never gets in by itself. */
export const gatherDiagnostics = async (
  context: ScheduleContext & { readonly version: string },
  mailbox: Mailbox,
): Promise<Diagnostics> => {
  const { store, organization, now } = context;
  const at = now();
  const range = cycleLogRange(mailbox.id, undefined, at);
  const [schedule, serverProfile, log, alerts, decisions, deadLetters] = await Promise.all([
    readSchedule(context, mailbox),
    describeProfile(context, mailbox.serverProfileId),
    store.list(cycleLogKind, organization.id, { limit: shownEntries, ...range }),
    newest(store, alertKind, organization.id, mailbox.id, at),
    newest(store, decisionKind, organization.id, mailbox.id, at),
    newest(store, deadLetterKind, organization.id, mailbox.id, at),
  ]);
  return {
    mailboxId: mailbox.id,
    generatedAt: at.toISOString(),
    hubVersion: context.version,
    organization: describeOrganization(organization),
    mailbox: describeMailbox(mailbox),
    serverProfile,
    schedule: describeSchedule(schedule),
    cycles: synchronizedWorkloads.flatMap((name) => {
      const cycle = schedule.cycles[name];
      return cycle === undefined ? [] : [describeCycle(cycle)];
    }),
    log: log.items.map(describeLog),
    alerts: alerts.map(describeAlert),
    decisions: decisions.map(describeDecision),
    deadLetters: deadLetters.map(describeDeadLetter),
  };
};
