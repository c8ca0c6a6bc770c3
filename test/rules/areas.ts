/** What the tests of these files are about; their titles are the rules. */
export const areas: Readonly<Record<string, readonly string[]>> = {
  'Reading mailboxes': [
    'test/integration/tracking/{incoming,hostile,without}*.test.ts',
    'test/unit/tracking/p*.test.ts',
  ],
  'Mail that somebody asks to track, folders, keywords, forwarded mail': [
    'test/{unit,integration}/tracking/{manual,promote,track-,folder,keyword,category,forward,reprocess,item}*.test.ts',
    'test/unit/email/mime/forwarded-message.test.ts',
  ],
  'Answers, tokens and conversations': [
    'test/integration/tracking/correlation.test.ts',
    'test/unit/email/{tracking-token,conversation-index,message-print}.test.ts',
  ],
  'Further rules of tracking': [
    'test/integration/tracking/tracking-rules.test.ts',
    'test/unit/{tracking/{filter,choose}*,record/*}.test.ts',
  ],
  'What stands in headers, in any language': ['test/unit/email/mime/{mess,decode,inter,mail,auto}*.test.ts'],
  'Decisions and what is set aside': [
    'test/integration/tracking/{decisions,move-undeliverable}*.test.ts',
    'test/{unit,integration}/rejection/*.test.ts',
  ],
  'What the CRM does with emails': [
    'test/integration/email/{emails,email-lists,email-input,party-records,attachments,resolve-party}.test.ts',
    'test/integration/tracking/shared-mail-lists.test.ts',
  ],
  Sending: [
    'test/integration/email/{send,message,extensions,refusals,unconfirmed,sent,dying,deleted,client}*.test.ts',
    'test/unit/email/{send,delivery}*.test.ts',
  ],
  'After sending: bounces, receipts, automatic answers': ['test/{unit,integration}/delivery-report/*.test.ts'],
  'Mailboxes: approval, test and enable, takeover': ['test/integration/mailbox/*.test.ts'],
  'Servers and their detection': ['test/{unit,integration}/server-profile/*.test.ts'],
  'Logins by OAuth': ['test/{unit,integration}/oauth/*.test.ts'],
  POP3: ['test/{unit,integration}/{tracking,transport,maildrop}/{pop3,classify-pop3,received-at}*.test.ts'],
  'Users, queues and teams': ['test/integration/owner/*.test.ts'],
  'CRM records': ['test/integration/record/*.test.ts'],
};

/** Settings that a test shows without changing them by name: part of its title tells which test. */
export const shownWithoutName: readonly { readonly setting: string; readonly title: string }[] = [
  { setting: 'correlation.token.baseNumber', title: 'adds the base number to the number of the user' },
  { setting: 'correlation.token.userDigits', title: 'lets a large number of a user grow' },
  { setting: 'correlation.token.counterDigits', title: 'starts its counter again at 0' },
  { setting: 'correlation.maxSubjectLength', title: 'cuts a long subject' },
  { setting: 'outgoing.saveToSentItems', title: 'is filed once in the Sent folder of the sender' },
];
