import type { FaultCode } from '../platform/fault-catalogue.ts';
import type { TransportErrorCode } from '../transport/transport-error.ts';
import type { Alert, AlertAction } from './alert.ts';

type Level = Alert['level'];

/** Who ends an alert; whatever is still open ends with `alerts.retentionDays`, and a person may clear any before. */
type ClearedBy =
  /** The run or request that finds the cause gone. */
  | 'itself'
  /** A person. */
  | 'hand';

export interface AlertRule {
  readonly codes: readonly FaultCode[];
  /** What the alert is about. */
  readonly subjects: readonly string[];
  readonly scope: Alert['scope'];
  readonly levels: readonly Level[];
  readonly raised: string;
  readonly clearedBy: ClearedBy;
  readonly cleared: string;
  /** What people may do about it with one press. */
  readonly actions?: Partial<Record<Level, readonly AlertAction[]>>;
}

/** Whatever a server or a login can be at fault for: a success of the same mailbox or profile proves it gone. */
const failureCodes = [
  'authenticationFailed',
  'mailboxNotFound',
  'tlsUntrusted',
  'accessDenied',
  'protocolUnsupported',
  'hostNotAllowed',
  'connectFailed',
  'timedOut',
  'serverError',
  'mailboxFull',
  'uidValidityUnstable',
] as const satisfies readonly TransportErrorCode[];

/** The server asks to come back later: nobody has anything to do. */
const patienceCodes = ['connectionLimit', 'throttled', 'quotaReached'] as const satisfies readonly TransportErrorCode[];

const signInCodes = ['oauthExpired', 'oauthRevoked'] as const satisfies readonly TransportErrorCode[];

/** What a run may fail with; each of them is cleared by the next success. */
export const connectionCodes: readonly TransportErrorCode[] = [...failureCodes, ...patienceCodes, ...signInCodes];

/** What a Send may end with besides. */
const deliveryCodes = [
  'recipientRejected',
  'senderRejected',
  'sendAsDenied',
  'messageRejected',
  'sandboxBlocked',
  'contentMissing',
  'clientDeliveryFailed',
  'internalError',
  'unavailable',
] as const satisfies readonly FaultCode[];

const ofRun = 'A cycle failed: warning while it is tried again, error once the workload was turned off';
const ofSuccess = 'A cycle of the mailbox succeeds, a test succeeds, or a person turns the workload off';

/** Every alert there is: who reads it, and what ends it. The problem pages and docs/problems.md show it. */
export const alertRules: readonly AlertRule[] = [
  {
    codes: failureCodes,
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning', 'error'],
    raised: ofRun,
    clearedBy: 'itself',
    cleared: ofSuccess,
    actions: { warning: ['retry'], error: ['testAndEnable'] },
  },
  {
    codes: patienceCodes,
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning', 'error'],
    raised: 'The server asks to come back later; error where that turned the workload off',
    clearedBy: 'itself',
    cleared: ofSuccess,
    actions: { error: ['testAndEnable'] },
  },
  {
    codes: signInCodes,
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning', 'error'],
    raised: 'The provider gives no access any more',
    clearedBy: 'itself',
    cleared: 'Somebody signs in again, and a cycle of the mailbox succeeds',
    actions: { warning: ['reconnect', 'retry'], error: ['reconnect', 'testAndEnable'] },
  },
  {
    codes: connectionCodes,
    subjects: ['serverProfile'],
    scope: 'profile',
    levels: ['error'],
    raised: 'A fault of the whole profile paused it; its mailboxes stay enabled',
    clearedBy: 'itself',
    cleared: 'A cycle of any of its mailboxes succeeds, a test of the profile succeeds, or the profile is deleted',
    actions: { error: ['retry'] },
  },
  {
    codes: ['profileFailing'],
    subjects: ['serverProfile'],
    scope: 'profile',
    levels: ['error'],
    raised: 'The watchdog finds that more than half of the mailboxes of the profile failed within the last hour',
    clearedBy: 'itself',
    cleared: 'The watchdog finds that half of them or more work again, or that none is left on',
    actions: { error: ['retry'] },
  },
  {
    codes: ['serverCrowded'],
    subjects: ['serverProfile'],
    scope: 'profile',
    levels: ['warning'],
    raised: 'The connections of the profile have been too few for half an hour',
    clearedBy: 'itself',
    cleared: 'They suffice again for ten minutes',
  },
  {
    codes: ['sliceLimitReached'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['information'],
    raised: 'The mailbox has had as many cycles in a row as limits.slicesPerHour allows in an hour, and waits',
    clearedBy: 'itself',
    cleared: 'The mailbox goes on',
  },
  {
    codes: ['laneShareUsedUp'],
    subjects: ['lane'],
    scope: 'organization',
    levels: ['information'],
    raised: 'The organization has used up its share of a lane for half an hour, and more of its work waits',
    clearedBy: 'itself',
    cleared: 'The share suffices again for ten minutes',
  },
  {
    codes: [...deliveryCodes, ...connectionCodes],
    subjects: ['email'],
    scope: 'email',
    levels: ['error'],
    raised: 'A Send has failed, at once or after its last attempt',
    clearedBy: 'itself',
    cleared: 'The email is sent again, cancelled or deleted',
    actions: { error: ['retry'] },
  },
  {
    codes: ['deliveryUnconfirmed'],
    subjects: ['email'],
    scope: 'email',
    levels: ['warning', 'error'],
    raised: 'The connection ended between handing an email over and the answer of the server',
    clearedBy: 'itself',
    cleared: 'A report or the Sent folder proves it, or a person marks it as sent or has it sent again',
  },
  {
    codes: ['bounced'],
    subjects: ['email'],
    scope: 'email',
    levels: ['error'],
    raised: 'A report says that a sent email could not be delivered',
    clearedBy: 'hand',
    cleared: 'The email is deleted; what came back stays undelivered',
  },
  {
    codes: ['sentCopyFailed'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning'],
    raised: 'The copy of a sent email could not be filed, after its last attempt',
    clearedBy: 'itself',
    cleared: 'A later copy is filed',
  },
  {
    codes: ['crmRejected'],
    subjects: ['email'],
    scope: 'email',
    levels: ['error'],
    raised: 'The CRM refused a tracked email',
    clearedBy: 'itself',
    cleared: 'The CRM leaves the next offer standing, or the email becomes a dead letter',
  },
  {
    codes: ['crmRejected', 'unreadable'],
    subjects: ['deadLetter'],
    scope: 'email',
    levels: ['error'],
    raised: 'A message or a refused email was set aside as a dead letter',
    clearedBy: 'itself',
    cleared: 'The dead letter is resolved or discarded',
    actions: { error: ['retry'] },
  },
  {
    codes: ['uidValidityChanged'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning'],
    raised: 'The server gave a folder a new identity, so that it is read anew',
    clearedBy: 'itself',
    cleared: 'A later cycle finds the same identity again',
  },
  {
    codes: ['folderRuleBroken'],
    subjects: ['folderRule'],
    scope: 'mailbox',
    levels: ['error'],
    raised: 'The folder of a rule is gone',
    clearedBy: 'itself',
    cleared: 'The rule names a folder again or is removed',
  },
  {
    codes: ['folderRefused'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning'],
    raised: 'The server refuses the Sent folder; all other mail is read on',
    clearedBy: 'itself',
    cleared: 'A later cycle reads mail of the folder',
  },
  {
    codes: ['mailboxTakenOver'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['error'],
    raised: 'Another mailbox took over address or login, by request',
    clearedBy: 'itself',
    cleared: 'The mailbox is enabled again',
  },
  {
    codes: ['synchronizationEnabled'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['information'],
    raised: 'A test enabled workloads of the mailbox',
    clearedBy: 'hand',
    cleared: 'It only informs',
  },
  {
    codes: ['cycleRebuilt'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['warning'],
    raised: 'The watchdog replaced the item of a cycle that could not be read',
    clearedBy: 'hand',
    cleared: 'The operator has found out who wrote it',
  },
  {
    codes: ['laneStalled'],
    subjects: ['mailbox'],
    scope: 'mailbox',
    levels: ['error'],
    raised: 'A message of a lane was given up after fifty deliveries',
    clearedBy: 'itself',
    cleared: 'A cycle of the mailbox succeeds',
  },
  {
    codes: ['laneStalled'],
    subjects: ['organization'],
    scope: 'organization',
    levels: ['error'],
    raised: 'A message of an operation was given up after fifty deliveries',
    clearedBy: 'hand',
    cleared: 'The operator has found the cause; the operation itself ends at its deadline',
  },
  {
    codes: ['endpointFailing', 'endpointGone'],
    subjects: ['webhook'],
    scope: 'organization',
    levels: ['error'],
    raised: 'A webhook was disabled after its last attempt, or because its endpoint says that it is gone',
    clearedBy: 'itself',
    cleared: 'The webhook is enabled again or deleted',
  },
  {
    codes: ['webhookGap'],
    subjects: ['webhook'],
    scope: 'organization',
    levels: ['warning'],
    raised: 'The feed no longer had the events that a webhook would have had next',
    clearedBy: 'hand',
    cleared:
      'Whoever receives its events has read the feed from a snapshot; enabling or deleting the webhook clears it, too',
  },
];

export const alertRuleOf = (code: string, subjectType: string): AlertRule | undefined =>
  alertRules.find(({ codes, subjects }) => codes.some((one) => one === code) && subjects.includes(subjectType));

/** What is offered on an alert. */
export const actionsOn = (code: string, subjectType: string, level: Level): readonly AlertAction[] =>
  alertRuleOf(code, subjectType)?.actions?.[level] ?? [];
