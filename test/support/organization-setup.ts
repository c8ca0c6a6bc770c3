import type { LocalEnvironment } from '../../local/environment.ts';
import { createHubClient, type HubClient } from '../../local/hub-client.ts';
import type { MailEnvironment, MailUser } from '../../local/mail-environment.ts';

/** A new organization and a client with its administrator's key. */
export const createOrganization = async (
  environment: LocalEnvironment,
  fields: { readonly name?: string; readonly kind?: 'production' | 'sandbox' } = {},
): Promise<{ readonly id: string; readonly hub: HubClient }> => {
  const operator = createHubClient(environment.hubUrl, environment.operatorKey);
  const { id } = await operator.post<{ readonly id: string }>('/organizations', { name: 'Contoso', ...fields });
  const key = { name: 'tests', role: 'admin' };
  const { secret } = await operator.post<{ readonly secret: string }>(`/organizations/${id}/api-keys`, key);
  return { id, hub: operator.withKey(secret) };
};

/** A server profile for the mail servers; `fields` replace or add. Returns its id. */
export const createServerProfile = async (
  hub: HubClient,
  mail: MailEnvironment,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> => {
  const profile = await hub.post<{ readonly id: string }>('/server-profiles', {
    name: 'Dovecot and Postfix',
    kind: 'imapSmtp',
    incoming: { protocol: 'imap', ...mail.imap },
    outgoing: { protocol: 'smtp', ...mail.submission },
    credentials: { source: 'mailbox', authentication: 'password' },
    caCertificates: mail.caCertificate,
    ...fields,
  });
  return profile.id;
};

/**
 * A user of the organization whose mailbox is approved, tested and enabled in both directions.
 * @throws Error when the test of a workload fails.
 */
export const enableMailbox = async (
  hub: HubClient,
  setup: {
    readonly serverProfileId: string;
    readonly mailUser: MailUser;
    readonly externalId: string;
    readonly filtering?: 'all' | 'responses' | 'knownSenders' | 'emailEnabledRecords' | 'none';
  },
): Promise<{ readonly mailboxId: string; readonly userId: string }> => {
  const { mailUser, externalId, serverProfileId } = setup;
  const user = await hub.put<{ readonly id: string; readonly mailboxId: string }>(
    `/users/${encodeURIComponent(`ext:${externalId}`)}`,
    { fullName: externalId, emailAddress: mailUser.address, filtering: setup.filtering ?? 'all' },
  );
  const path = `/mailboxes/${user.mailboxId}`;
  await hub.patch(path, {
    serverProfileId,
    credentials: { username: mailUser.username, password: mailUser.password },
    workloads: { incoming: { method: 'serverSideSync' }, outgoing: { method: 'serverSideSync' } },
  });
  await hub.post(`${path}/approve`);
  const { id } = await hub.post<{ readonly id: string }>(`${path}/test-and-enable`, {});
  // Many are enabled at once here and there, over few connections.
  const { result } = await hub.waitForOperation(id, 400);
  const workloads = result?.['workloads'] as Readonly<Record<string, { readonly status: string }>> | undefined;
  for (const workload of ['incoming', 'outgoing']) {
    if (workloads?.[workload]?.status !== 'success')
      throw new Error(`${workload} failed its test: ${JSON.stringify(result)}`);
  }
  return { mailboxId: user.mailboxId, userId: user.id };
};
