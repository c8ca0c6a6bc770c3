/** Rules and settings of the reference product that are not here, and why. Kept by hand. */
export const leftOut: readonly { readonly rule: string; readonly why: string }[] = [
  {
    rule: 'OverrideV5SenderConflictResolution: no automatic tracking where several records have the sender’s address',
    why: 'resolution.unresolvedIfAmbiguousSender does it: such a sender passes no method that asks for a record.',
  },
  {
    rule: 'HashFilterKeywords: another pattern for what is stripped from subjects before smart matching',
    why: 'A pattern of an administrator’s own can take any time over a subject; the standard one is built in.',
  },
  {
    rule: 'DisableSmartMatchingEmailHashCreation: hashes are written while smart matching is off',
    why: 'Each would be a paid write without a use; they are written from when it is switched on.',
  },
  {
    rule: 'IgnoreInternalEmailDetectionEnhancement off: all mail between users is rejected, also what the hub did not send',
    why: 'Such mail would have no email at all.',
  },
  {
    rule: 'AutoRouteToOwnerQueue: a further queue item in the default queue of the email’s owner',
    why: 'Users have no default queue here; the CRM sees the owner in email.tracked and can do it.',
  },
  {
    rule: 'Correlation by X-header and by custom code',
    why: 'The reference product keeps both values and uses neither.',
  },
  {
    rule: 'correlatedSubjectChanged as a field of the email',
    why: 'It stands in the correlation step of the decision (inputs.subjectChanged).',
  },
  {
    rule: 'The digit of tokens that told online from offline clients',
    why: 'It is always 0, as for mail of the server; there are no offline clients.',
  },
  {
    rule: 'Senders are resolved with the rights of a user when the user asks for tracking',
    why: 'The hub knows every record that the CRM gave it and no rights; a CRM that hides records resolves the party itself.',
  },
  {
    rule: 'Licence and privileges of the owner of an email',
    why: 'They are the CRM’s: it says canOwnEmail for each user.',
  },
  {
    rule: 'Smart matching looks back without limit while the load is low',
    why: 'It always looks 90 days back, so that equal mail is always treated equally.',
  },
  {
    rule: 'HideEmailAutoTrackOptions, HideTrackAllOption, DoNotAutoTrackEmail, SecuritySettingForEmail',
    why: 'They shape the reference product’s own dialogues.',
  },
  {
    rule: 'EmailTemplateRetrieveFallbackContact, UsePlainTextForEmailTemplateBody, DaysBeforeEmailDescriptionIsMigrated',
    why: 'Templates and the storage of bodies are the CRM’s; the hub keeps long bodies apart from the start.',
  },
  {
    rule: 'Deleting an email in the CRM or in the mailbox deletes the other copy',
    why: 'Neither does in the reference product, and neither does here.',
  },
];
