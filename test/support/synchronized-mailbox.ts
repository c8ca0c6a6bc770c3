import type { Services } from '../../functions/api/services.ts';
import { mailboxPasswordPlace } from '../../shared/mailbox/credentials.ts';
import { type Mailbox, mailboxKind, type SynchronizedWorkload, type Workload } from '../../shared/mailbox/mailbox.ts';
import { type Organization, organizationKind } from '../../shared/organization/organization.ts';
import { systemAuthor } from '../../shared/platform/change.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { createServerProfile, type ProfileDependencies } from '../../shared/server-profile/manage-server-profiles.ts';
import type { ServerProfile } from '../../shared/server-profile/server-profile.ts';
import { serverProfileInputSchema } from '../../shared/server-profile/server-profile-input.ts';
import type { MailEnvironment, MailUser } from './mail-servers.ts';

/** The organization as it is stored. */
export const loadOrganization = async ({ store }: Services, organizationId: string): Promise<Organization> => {
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) throw new Error(`There is no organization ${organizationId}`);
  return organization;
};

/** A profile for the mail servers; `fields` replace or add. */
export const storeServerProfile = async (
  services: Services,
  organizationId: string,
  mail: Pick<MailEnvironment, 'imap' | 'submission' | 'caCertificate'>,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<ServerProfile> => {
  const input = serverProfileInputSchema.parse({
    name: 'Dovecot and Postfix',
    kind: 'imapSmtp',
    incoming: { protocol: 'imap', ...mail.imap },
    outgoing: { protocol: 'smtp', ...mail.submission },
    credentials: { source: 'mailbox', authentication: 'password' },
    caCertificates: mail.caCertificate,
    ...fields,
  });
  const { store, vault, now, hostPolicy } = services;
  // What may be stored is the business of other tests; here servers in memory speak without TLS.
  const rules = { hostPolicy, allowInsecureCredentials: true };
  const dependencies: ProfileDependencies = { store, vault, now, rules, author: systemAuthor };
  const organization = await loadOrganization(services, organizationId);
  return createServerProfile(dependencies, organization, input, createIdentifier('prf', now().getTime()));
};

/** Puts a mailbox into the state in which a successful test leaves it, and starts its cycles. */
export const enableStoredMailbox = async (
  services: Services,
  organizationId: string,
  mailboxId: string,
  setup: {
    readonly serverProfileId: string;
    readonly mailUser: MailUser;
    readonly workloads: readonly SynchronizedWorkload[];
    readonly fields?: Partial<Mailbox>;
  },
): Promise<void> => {
  const { store, vault, cycles, now } = services;
  const organization = await loadOrganization(services, organizationId);
  const { mailUser, serverProfileId, workloads } = setup;
  const password = await vault.seal(mailboxPasswordPlace(organization, mailboxId), mailUser.password, now());
  const enable = (workload: Workload, name: SynchronizedWorkload): Workload =>
    workloads.includes(name) ? { ...workload, method: 'serverSideSync', state: 'enabled', testStands: true } : workload;
  await store.update(
    mailboxKind,
    organizationId,
    mailboxId,
    (mailbox) => ({
      next: {
        ...mailbox,
        serverProfileId,
        approval: { status: 'approved' as const, by: 'key', at: now().toISOString() },
        incomingSince: mailbox.incomingSince ?? now().toISOString(),
        credentials: { username: mailUser.username, password },
        workloads: {
          ...mailbox.workloads,
          incoming: enable(mailbox.workloads.incoming, 'incoming'),
          outgoing: enable(mailbox.workloads.outgoing, 'outgoing'),
        },
        ...setup.fields,
      },
    }),
    { now },
  );
  for (const workload of workloads) await cycles.enable(organizationId, mailboxId, workload, serverProfileId);
};
