import type { FaultEntries } from './fault-entry.ts';

/** What mail servers, logins and authorization servers are at fault for. */
export const serverFaults = {
  authenticationFailed: {
    title: 'The server refused the credentials',
    cause: 'Wrong username or password',
    fix: 'Enter the credentials again and run test-and-enable',
    whoActs: 'mailboxOwner',
  },
  mailboxNotFound: {
    title: 'The server knows no such mailbox',
    cause: 'The address does not exist there',
    fix: 'Correct the address of the mailbox',
    whoActs: 'administrator',
  },
  notAMailbox: {
    title: 'The address is not the mailbox of this login',
    cause: "A message to the address did not arrive in this login's Inbox: an alias, a list or another login",
    fix: "Use the mailbox's own address and login",
    whoActs: 'administrator',
  },
  tlsUntrusted: {
    title: "The server's certificate is not trusted",
    cause: 'It is self-signed, expired or issued for another name',
    fix: 'Install a valid certificate, or set caCertificates on the profile',
    whoActs: 'administrator',
  },
  accessDenied: {
    title: 'The server denies access to this login',
    cause: 'The login is right but is not allowed in',
    fix: 'Ask the mail administrator to allow the access',
    whoActs: 'administrator',
  },
  oauthExpired: {
    title: 'The connection to the provider has expired',
    cause: 'The sign-in that it came from is too long ago, or was not used for too long',
    fix: 'Connect the mailbox again: its owner signs in at the provider',
    whoActs: 'mailboxOwner',
  },
  oauthRevoked: {
    title: 'The provider has withdrawn the access to the mailbox',
    cause: 'The owner or an administrator revoked it, or the password was changed',
    fix: 'Connect the mailbox again: its owner signs in at the provider',
    whoActs: 'mailboxOwner',
  },
  oauthAccountMismatch: {
    title: 'Another account signed in than that of the mailbox',
    cause: 'The address that the provider names is not the address of the mailbox',
    fix: 'Sign in with the account of the mailbox, or correct the address of the mailbox',
    whoActs: 'mailboxOwner',
  },
  protocolUnsupported: {
    title: 'The server lacks an ability that is needed',
    cause: 'The server does not offer a required extension or mechanism',
    fix: 'Choose another protocol or server',
    whoActs: 'administrator',
  },
  connectFailed: {
    title: 'The server cannot be reached',
    cause: 'Wrong host or port, a refused connection, or no network',
    fix: 'Check host, port and security of the profile',
    whoActs: 'administrator',
  },
  connectionLimit: {
    title: 'The server allows no further connection',
    cause: "Other programs use this login, or maxConnections is above the server's own limit",
    fix: 'Nothing: it is tried again. Lower maxConnections if this lasts',
    whoActs: 'administrator',
  },
  throttled: {
    title: 'The server asks to come back later',
    cause: 'The server limits the rate of this login',
    fix: 'Nothing: it is tried again',
    whoActs: 'nobody',
  },
  serverError: {
    title: 'The server failed',
    cause: 'A temporary error at the server',
    fix: 'Nothing: it is tried again. If it lasts, ask the mail administrator',
    whoActs: 'nobody',
  },
  mailboxFull: {
    title: 'The mailbox is full',
    cause: "The server's quota for this mailbox is used up",
    fix: 'Make room in the mailbox',
    whoActs: 'mailboxOwner',
  },
  quotaReached: {
    title: 'The sending quota is reached',
    cause: 'The server limits how much this login may send',
    fix: 'Nothing: it is tried again later',
    whoActs: 'nobody',
  },
} as const satisfies FaultEntries;
