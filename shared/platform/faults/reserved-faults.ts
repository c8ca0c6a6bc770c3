import type { FaultEntries } from './fault-entry.ts';

/**
 * Codes that the contract gives a meaning to and that no part of this release gives. They have their pages, so that a client
 * written for the whole contract finds each one explained, and so that nothing else takes their names.
 */
export const reservedFaults = {
  unreadableFile: {
    status: 422,
    title: 'The uploaded file cannot be read',
    cause: 'It is damaged, or of another kind than those that can be taken over',
    fix: 'Export the file again at its source, and upload that',
    whoActs: 'caller',
  },
  migrationTooLarge: {
    status: 413,
    title: 'The files of the migration are too large',
    cause: 'All files of a migration together are limited to 32 MiB',
    fix: 'Migrate the routers in several migrations',
    whoActs: 'caller',
  },
  onHold: {
    status: 409,
    title: 'A legal hold forbids erasing this',
    cause: 'legalHold is set on the record or the mailbox',
    fix: 'Have an administrator end the hold first',
    whoActs: 'administrator',
  },
  directionFixed: {
    status: 409,
    title: 'The direction of this field cannot be changed',
    cause: 'The field synchronizes in one direction only, whatever an organization wants',
    fix: 'Change only fields that are settable',
    whoActs: 'caller',
  },
  primaryOrganizationElsewhere: {
    title: 'Another organization synchronizes appointments, contacts and tasks of this mailbox',
    cause: 'The mailbox bears the mark of another organization, and only one at a time may write to it',
    fix: 'Test again with takePrimaryOrganization to take the mailbox over',
    whoActs: 'administrator',
  },
  schedulingConflict: {
    title: 'The appointment clashes with another one',
    cause: 'Somebody or something that takes part is booked at that time',
    fix: 'Answer the alert: yes books it all the same, no leaves it out',
    whoActs: 'mailboxOwner',
  },
  duplicateFound: {
    title: 'The item looks like one that exists already',
    cause: 'A record with the same data is there',
    fix: 'Answer the alert: yes creates it all the same, no leaves it out',
    whoActs: 'mailboxOwner',
  },
  previouslyLinkedFound: {
    title: 'The mailbox holds items of an earlier synchronization',
    cause: 'They were linked to records once, and the links are gone',
    fix: 'Answer the alert: yes links them again, no leaves them as they are',
    whoActs: 'mailboxOwner',
  },
  organizerMissing: {
    title: 'The appointment has no organizer who could send it',
    cause: 'Its organizer is nobody whose mailbox synchronizes appointments',
    fix: 'Name an organizer whose mailbox does',
    whoActs: 'caller',
  },
  filterLeft: {
    title: 'The item has left the filter and is not synchronized any more',
    cause: 'No synchronization filter of its user fits it any longer',
    fix: 'Nothing: both sides keep it. Change the filter if it should come back',
    whoActs: 'nobody',
  },
  accessLost: {
    title: 'The record is out of the sight of its user',
    cause: 'The CRM took the right to see it away',
    fix: 'Nothing: the item stays in the mailbox. Give the right back if it should be synchronized',
    whoActs: 'nobody',
  },
  recurrenceUnsupported: {
    title: 'The recurrence of the appointment cannot be synchronized',
    cause: 'One of the sides cannot express its rule',
    fix: 'Choose a simpler recurrence, or separate appointments',
    whoActs: 'mailboxOwner',
  },
  linkLost: {
    title: 'The item that the record was linked to is gone',
    cause: 'It is not where it was, and nothing proves that somebody deleted it',
    fix: 'Retry the link to create the item anew, or unlink the record',
    whoActs: 'mailboxOwner',
  },
} as const satisfies FaultEntries;
