import type { Author } from '../platform/change.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { type RecordWrite, recordKey } from '../platform/records-table.ts';
import { type AuditAction, type AuditEntry, auditEntryKind } from './audit-entry.ts';
import { differenceOf } from './difference.ts';

export interface Act {
  readonly author: Author;
  readonly now: Date;
  readonly action: AuditAction;
  readonly subject: { readonly type: string; readonly id: string };
  /** The resource, or what the act was about, before and after it; null: there was, or is, nothing. */
  readonly before: object | null;
  readonly after: object | null;
}

/**
 * Notes an act. Written in the transaction of the act itself: neither is there without the other. Nothing that mail
 * does costs this; what people and programs do to the hub is rare.
 */
export const auditWrite = (organizationId: string, act: Act): RecordWrite => {
  const at = act.now.toISOString();
  const entry: AuditEntry = {
    id: createIdentifier(auditEntryKind.prefix, act.now.getTime()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    actor: act.author.actor,
    action: act.action,
    subject: act.subject,
    ...differenceOf(act.before, act.after),
  };
  return {
    put: {
      ...recordKey(organizationId, auditEntryKind.kind, entry.id),
      v: 1,
      kind: auditEntryKind.kind,
      organizationId,
      entity: entry,
    },
    condition: { expression: 'attribute_not_exists(pk)' },
  };
};
