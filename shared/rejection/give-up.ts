import { alertWrites, clearingWrites } from '../alert/raise-alert.ts';
import { type DeadLetter, deadLetterExpiry, deadLetterKind } from '../dead-letter/dead-letter.ts';
import type { Email } from '../email/email.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import type { Decision } from '../tracking/decision.ts';
import type { Rejection } from './rejection.ts';

/** The CRM's own words, as alerts and dead letters show them. */
export const faultOf = ({ code, detail }: Pick<Rejection, 'code' | 'detail'>): Fault =>
  createFault('crmRejected', { detail, cause: `The CRM answered the event with ${code}` });

/** The dead letter of an email that the CRM refused again and again: its raw bytes are the email's own. */
export const deadLetterOf = (
  organization: Pick<Organization, 'settings'>,
  email: Email,
  decision: Decision | undefined,
  rejection: Rejection,
): DeadLetter => {
  const at = rejection.updatedAt;
  const keptUntil = Date.parse(at) + organization.settings.retention.deadLetterDays * 86_400_000;
  return {
    id: deriveIdentifier(deadLetterKind.prefix, Date.parse(at), `rejection#${email.id}#${rejection.events.at(-1)}`),
    version: 1,
    createdAt: at,
    updatedAt: at,
    kind: 'event',
    mailboxId: rejection.mailboxId,
    emailId: email.id,
    fault: faultOf(rejection),
    attempts: rejection.rejections,
    firstAt: email.createdAt,
    lastAt: at,
    remote: {
      folder: decision?.folder ?? '',
      uidValidity: decision?.uidValidity ?? '',
      uid: decision?.uid ?? 0,
    },
    direction: email.direction,
    receivedAt: email.receivedAt ?? email.createdAt,
    decisionId: decision?.id ?? '',
    sizeBytes: email.sizeBytes,
    rawKey: email.rawKey ?? '',
    status: 'open',
    discardReason: null,
    keptUntil: new Date(keptUntil).toISOString(),
  };
};

/** The writes of the dead letter; its alert takes the place of the email's. */
export const deadLetterWrites = async (
  store: EntityStore,
  organizationId: string,
  letter: DeadLetter,
  emailId: string,
  now: Date,
): Promise<RecordWrite[]> => [
  ...store.writesOf(deadLetterKind, organizationId, undefined, letter, { expiresAt: deadLetterExpiry(letter) }),
  ...(await clearingWrites(store, organizationId, letter.fault.code, emailId, { now })),
  ...(await alertWrites(store, {
    organizationId,
    level: 'error',
    scope: 'email',
    fault: letter.fault,
    subject: { type: deadLetterKind.kind, id: letter.id },
    mailboxId: letter.mailboxId,
    now,
  })),
];
