import type { FaultEntries } from './fault-entry.ts';

/** Why a message was not tracked, or was set aside. */
export const decisionFaults = {
  notAttached: {
    title: 'The message was not forwarded as an attachment',
    cause: 'A rule forwarded it in the text of a message of its own, so that its sender and recipients are lost',
    fix: 'Let the rule in the mailbox forward messages as attachments',
    whoActs: 'mailboxOwner',
  },
  noRecipientMatch: {
    title: 'No recipient is a user or queue',
    cause: 'The addresses of the message belong to no owner of the organization',
    fix: 'Nothing, or add the address to a user or queue',
    whoActs: 'administrator',
  },
  filteredNone: {
    title: 'The owner tracks no mail',
    cause: 'The filtering method is none',
    fix: 'Change the filtering method',
    whoActs: 'mailboxOwner',
  },
  filteredResponses: {
    title: 'The owner tracks only answers',
    cause: 'The message answers no tracked email',
    fix: 'Change the filtering method, or track it by hand',
    whoActs: 'mailboxOwner',
  },
  filteredKnownSenders: {
    title: 'The owner tracks known senders only',
    cause: 'The sender is no contact, account or lead',
    fix: 'Create a record for the sender, or change the filtering method',
    whoActs: 'mailboxOwner',
  },
  filteredEmailEnabled: {
    title: 'The owner tracks senders with records only',
    cause: 'The sender has no email-enabled record',
    fix: 'Create a record for the sender, or change the filtering method',
    whoActs: 'mailboxOwner',
  },
  ambiguousSender: {
    title: "Several records have the sender's address",
    cause: 'The organization leaves ambiguous senders unresolved',
    fix: 'Resolve the party by hand',
    whoActs: 'mailboxOwner',
  },
  internalCopy: {
    title: 'A copy of internal mail',
    cause: 'The sent email of the colleague is already tracked',
    fix: 'Nothing',
    whoActs: 'nobody',
  },
  duplicate: {
    title: 'The same email is already tracked',
    cause: 'Another mailbox saw it first',
    fix: 'Nothing',
    whoActs: 'nobody',
  },
  beforeProcessFrom: {
    title: 'The message is older than the start of tracking',
    cause: 'It was received before processEmailFrom',
    fix: 'Set processEmailFrom to an earlier instant',
    whoActs: 'administrator',
  },
  tooLarge: {
    title: 'The message is too large to be tracked',
    cause: 'It passes the size limit',
    fix: 'Nothing',
    whoActs: 'nobody',
  },
  restricted: {
    title: 'The message is rights-protected',
    cause: 'Protected messages are not tracked',
    fix: 'Nothing',
    whoActs: 'nobody',
  },
  ownerCannotOwn: {
    title: 'The owner may not own email',
    cause: 'canOwnEmail is false',
    fix: 'Set canOwnEmail on the user',
    whoActs: 'administrator',
  },
  crmRejected: {
    title: 'The CRM refused the email',
    cause: 'The CRM answered the event with a rejection',
    fix: "Read the CRM's text",
    whoActs: 'administrator',
  },
  unreadable: {
    title: 'The message cannot be read',
    cause: 'Reading it failed three times, or its form is broken beyond repair',
    fix: 'Download the raw message and report it',
    whoActs: 'operator',
  },
} as const satisfies FaultEntries;
