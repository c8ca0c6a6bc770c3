import type { Author, Change } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { createIdentifierAbout, subjectOfIdentifier } from '../platform/identifier.ts';
import { type Email, emailKind } from './email.ts';

/** The identifier of the email.tracked that told of this email last. */
export const trackedEventId = ({ id, createdAt, trackedAt }: Pick<Email, 'id' | 'createdAt' | 'trackedAt'>): string =>
  createIdentifierAbout('evt', Date.parse(trackedAt ?? createdAt), id);

/** The email that an email.tracked tells of; of other identifiers something that is no email, or undefined. */
export const emailOfEvent = (eventId: string): string | undefined => subjectOfIdentifier(eventId, emailKind.prefix);

/** Tells the feed that an email is tracked, under an identifier that leads a consumer's answer back to the email. */
export const trackedChange = (email: Pick<Email, 'id' | 'createdAt' | 'trackedAt'>, author: Author): Change => ({
  ...createChange('email.tracked', author, new Date(email.trackedAt ?? email.createdAt)),
  id: trackedEventId(email),
});
