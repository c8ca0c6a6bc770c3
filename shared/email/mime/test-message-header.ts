/** The header that marks what the hub itself sends to try a mailbox out; such mail is never tracked. */
export const testMessageHeader = 'X-Mailbox-Sync-Test';
