import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials } from '../transport/connection.ts';

/** What a run works with besides its cycle. */
export interface RunContext {
  readonly mailbox: Mailbox;
  readonly serverProfile: ServerProfile;
  /** Tells these credentials from others without showing them: the username and when the password was set. */
  readonly credentialStamp: string;
  /** @throws TransportError authenticationFailed when none are set */
  readonly openCredentials: () => Promise<Credentials>;
}

/** Loads what a run needs. `fresh` reads past every cache and replica. */
export interface ContextLoader {
  organization(organizationId: string): Promise<Organization | undefined>;
  /** Undefined when mailbox or profile are gone or incomplete. */
  context(organization: Organization, mailboxId: string, fresh: boolean): Promise<RunContext | undefined>;
}
