import * as z from 'zod';
import { alertKind } from '../alert/alert.ts';
import { presentAlert } from '../alert/present-alert.ts';
import { emailKind } from '../email/email.ts';
import { presentEmail } from '../email/present-email.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { presentMailbox } from '../mailbox/present-mailbox.ts';
import { operationKind } from '../operation/operation.ts';
import { presentOperation } from '../operation/present-operation.ts';
import { organizationKind } from '../organization/organization.ts';
import { presentOrganization } from '../organization/present-organization.ts';
import type { Entity, EntityKind } from '../platform/entity-store.ts';
import { presentRecord } from '../record/present-record.ts';
import { crmRecordKind } from '../record/record.ts';
import type { FeedEvent } from './feed-event.ts';

/** What an event tells besides what happened: of whom, in which version, and how it looks now. */
export type PresentedSubject = Pick<FeedEvent, 'subject' | 'version' | 'data'>;

const presented = <Item extends Entity>(
  kind: EntityKind<Item>,
  type: string,
  present: (entity: Item) => Readonly<Record<string, unknown>>,
): ((stored: unknown) => PresentedSubject) => {
  return (stored) => {
    const entity = kind.parse(stored);
    return {
      subject: {
        type,
        id: entity.id,
        ...(entity.externalId === undefined ? {} : { externalId: entity.externalId }),
      },
      version: entity.version,
      data: { ...present(entity) },
    };
  };
};

/** A deletion brings what is to be shown of the item that is gone. */
const deletedSchema = z.object({
  subject: z.object({ type: z.string(), id: z.string(), externalId: z.string().nullable().optional() }),
  version: z.int().nonnegative(),
  data: z.record(z.string(), z.unknown()),
});

const presentSettings = (stored: unknown): PresentedSubject => {
  const { id, settings, settingsVersion } = organizationKind.parse(stored);
  return { subject: { type: 'settings', id }, version: settingsVersion, data: { ...settings } };
};

const presenters: Readonly<Record<string, (stored: unknown) => PresentedSubject>> = {
  email: presented(emailKind, 'email', presentEmail),
  record: presented(crmRecordKind, 'record', presentRecord),
  mailbox: presented(mailboxKind, 'mailbox', presentMailbox),
  alert: presented(alertKind, 'alert', presentAlert),
  operation: presented(operationKind, 'operation', presentOperation),
  organization: presented(organizationKind, 'organization', presentOrganization),
  change: (stored) => deletedSchema.parse(stored),
};

/**
 * Shows a stored entity as the feed does, without bodies and secrets.
 *
 * @throws when the kind has no place in the feed or what is stored does not fit its schema
 */
export const presentSubject = (kind: string, changeType: string, stored: unknown): PresentedSubject => {
  if (changeType.startsWith('settings.')) return presentSettings(stored);
  const present = presenters[kind];
  if (present === undefined) throw new Error(`The feed cannot show items of kind ${kind}`);
  return present(stored);
};
