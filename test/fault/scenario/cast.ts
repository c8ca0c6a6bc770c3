import type { MailUser } from '../../../local/mail-environment.ts';
import type { Random } from '../plan/random.ts';
import { createHubCall, type HubCall } from '../world/hub.ts';
import type { World } from '../world/world.ts';
import { watchFolder } from './watched-folder.ts';

export interface SynchronizedUser {
  readonly externalId: string;
  readonly mailUser: MailUser;
  readonly mailboxId: string;
  /** Has the mail of a folder of theirs tracked. */
  readonly folderRuleId: string;
}

/** The people of one run. */
export interface Cast {
  readonly organizationId: string;
  readonly call: HubCall;
  /** Their mailboxes are synchronized, over one server profile. */
  readonly users: readonly SynchronizedUser[];
  /** People outside, whose mailboxes show what was delivered to them. */
  readonly outsiders: readonly MailUser[];
  readonly maxConnections: number;
}

export const usersPerRun = 4;

const finished = new Set(['succeeded', 'failed', 'cancelled']);

/** Operations end by their limit of 900 s at the latest, once the watchdog sees it. */
const operationPolls = 300;

/** Reads an operation until it has ended. */
export const awaitOperation = async (world: World, call: HubCall, id: string) => {
  for (let attempt = 0; attempt < operationPolls; attempt += 1) {
    const operation = await call('GET', `/operations/${id}`);
    if (finished.has(operation.status)) return operation;
    await world.clock.pause(5);
  }
  throw new Error(`The operation ${id} has not ended`);
};

/**
 * Has a mailbox tested as an administrator does: again and again until it is enabled. Also without faults a test can
 * fail: the world's clock does not wait for the mail servers, so that a message of theirs may seem to come too late.
 */
export const testUntilEnabled = async (
  world: World,
  call: HubCall,
  mailboxId: string,
  { sendTestMessage, attempts }: { readonly sendTestMessage: boolean; readonly attempts: number },
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    const { id } = await call('POST', `/mailboxes/${mailboxId}/test-and-enable`, { sendTestMessage });
    const operation = await awaitOperation(world, call, id);
    const { workloads } = await call('GET', `/mailboxes/${mailboxId}`);
    if (workloads.incoming.state === 'enabled' && workloads.outgoing.state === 'enabled') return;
    if (attempt === attempts) throw new Error(`A mailbox fails its test again and again: ${JSON.stringify(operation)}`);
    await world.clock.pause(60);
  }
};

const settings = {
  schedule: { incoming: { seconds: 300 }, retry: { seconds: 30 } },
  outgoing: { sandboxAllow: ['*'], allowUnresolvedRecipients: true, retry: { attempts: 3, seconds: 60 } },
  recovery: { probeSeconds: 300 },
};

/** Makes an organization with one or two synchronized mailboxes, through the API alone. */
export const createCast = async (
  world: World,
  operatorKey: string,
  mailUsers: readonly MailUser[],
  random: Random,
): Promise<Cast> => {
  const operator = createHubCall(world, operatorKey);
  const organization = await operator('POST', '/organizations', { name: 'Contoso', kind: 'sandbox' });
  const { secret } = await operator('POST', `/organizations/${organization.id}/api-keys`, { name: 'k', role: 'admin' });
  const call = createHubCall(world, secret);
  await call('PATCH', '/settings', settings);
  const maxConnections = random.whole(1, 3);
  const server = (protocol: 'imap' | 'smtp') => ({
    protocol,
    host: '127.0.0.1',
    port: world.mailProxy.portOf(protocol),
    security: 'tls',
  });
  const profile = await call('POST', '/server-profiles', {
    name: 'Servers',
    kind: 'imapSmtp',
    incoming: server('imap'),
    outgoing: server('smtp'),
    credentials: { source: 'mailbox', authentication: 'password' },
    caCertificates: world.mail.environment.caCertificate,
    maxConnections,
    timeoutSeconds: 10,
    // The mail servers' clock is behind the one of the functions.
    processEmailFrom: '2020-01-01T00:00:00.000Z',
  });
  const synchronizedCount = random.chance(0.7) ? 2 : 1;
  const users = await Promise.all(
    mailUsers.slice(0, synchronizedCount).map(async (mailUser, index) => {
      const externalId = `user-${index}`;
      const { mailboxId } = await call('PUT', `/users/ext:${externalId}`, {
        fullName: externalId,
        emailAddress: mailUser.address,
        filtering: 'all',
      });
      const method = { method: 'serverSideSync' };
      await call('PATCH', `/mailboxes/${mailboxId}`, {
        serverProfileId: profile.id,
        credentials: { username: mailUser.username, password: mailUser.password },
        workloads: { incoming: method, outgoing: method },
      });
      await call('POST', `/mailboxes/${mailboxId}/approve`);
      await testUntilEnabled(world, call, mailboxId, { sendTestMessage: index === 0, attempts: 20 });
      const folderRuleId = await watchFolder(world, call, mailboxId, mailUser);
      return { externalId, mailUser, mailboxId: String(mailboxId), folderRuleId };
    }),
  );
  return { organizationId: organization.id, call, users, outsiders: mailUsers.slice(2), maxConnections };
};
