import { readMessageHeaders } from '../email/mime/message-headers.ts';
import { createFault } from '../platform/fault.ts';
import { connectionTarget } from '../server-profile/connection-target.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { ConnectionStep, Credentials, Dialler } from '../transport/connection.ts';
import { openImapSession } from '../transport/imap/open-imap-session.ts';
import { openPop3Session } from '../transport/pop3/open-pop3-session.ts';
import type { Pop3Listing, Pop3Session } from '../transport/pop3/pop3-session.ts';
import { TransportError } from '../transport/transport-error.ts';
import { TestFailure } from './test-steps.ts';

/** What a test asks of an incoming server once it is logged in. */
export interface IncomingProbe {
  /** Looks at what the login has. @throws TransportError, TestFailure */
  list(): Promise<void>;
  /** Whether the message is there by now. @throws TransportError */
  hasArrived(messageId: string): Promise<boolean>;
  close(): Promise<void>;
}

interface ProbeOptions {
  readonly deadline: number;
  readonly onStep: (step: ConnectionStep) => void;
}

const probeImap = async (
  target: ReturnType<typeof connectionTarget>,
  credentials: Credentials,
  dialler: Dialler,
  options: ProbeOptions,
): Promise<IncomingProbe> => {
  const session = await openImapSession(target, credentials, dialler, options);
  return {
    list: async () => {
      await session.listFolders();
      if ((await session.status('INBOX')) === undefined)
        throw new TestFailure(createFault('mailboxNotFound', { detail: 'The login has no Inbox' }));
    },
    hasArrived: async (messageId) => (await session.findByMessageId('INBOX', messageId)) !== undefined,
    close: () => session.close(),
  };
};

/** What has just come stands at one end of the listing. */
const atEnds = (listed: readonly Pop3Listing[]): readonly Pop3Listing[] => [
  ...new Set([...listed.slice(-100), ...listed.slice(0, 20)]),
];

/** A session does not see what arrives after it began: each look takes a new one. */
class MaildropProbe implements IncomingProbe {
  readonly #open: () => Promise<Pop3Session>;
  readonly #seen = new Set<string>();
  #session: Pop3Session | undefined;

  constructor(open: () => Promise<Pop3Session>, session: Pop3Session) {
    this.#open = open;
    this.#session = session;
  }

  async list(): Promise<void> {
    await this.#session?.list();
  }

  async hasArrived(messageId: string): Promise<boolean> {
    const session = await this.#takeSession();
    if (session === undefined) return false;
    try {
      const fresh = atEnds(await session.list()).filter(({ uidl }) => uidl === undefined || !this.#seen.has(uidl));
      let found = false;
      await session.readHeaders(
        fresh.map(({ number }) => number),
        (_number, header) => {
          found ||= readMessageHeaders(header).messageId === messageId;
        },
      );
      for (const { uidl } of fresh) if (uidl !== undefined) this.#seen.add(uidl);
      return found;
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  /** Undefined when the server wants logins to be further apart. */
  async #takeSession(): Promise<Pop3Session | undefined> {
    const present = this.#session;
    this.#session = undefined;
    if (present !== undefined) return present;
    try {
      return await this.#open();
    } catch (error) {
      if (error instanceof TransportError && error.class === 'throttled') return undefined;
      throw error;
    }
  }
}

/** Logs in to the incoming server of a profile. @throws TransportError */
export const openIncomingProbe = async (
  serverProfile: Pick<ServerProfile, 'incoming' | 'outgoing' | 'caCertificates' | 'timeoutSeconds'>,
  credentials: Credentials,
  dialler: Dialler,
  options: ProbeOptions,
): Promise<IncomingProbe> => {
  const target = connectionTarget(serverProfile, 'incoming');
  if (serverProfile.incoming.protocol === 'imap') return probeImap(target, credentials, dialler, options);
  const open = () => openPop3Session(target, credentials, dialler, options);
  return new MaildropProbe(open, await open());
};
