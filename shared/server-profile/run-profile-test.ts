import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { faultOf } from '../mailbox/test-steps.ts';
import { testIncoming, testOutgoing, type WorkloadTest } from '../mailbox/test-workloads.ts';
import type { OAuthAccess } from '../oauth/oauth-access.ts';
import { goOnWithPlace } from '../operation/go-on-later.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { type Organization, organizationKind } from '../organization/organization.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Credentials, Dialler } from '../transport/connection.ts';
import { TransportError } from '../transport/transport-error.ts';
import { profileSecretPlace } from './profile-secret.ts';
import { resumeProfile } from './resume-profile.ts';
import { type ServerProfile, serverProfileKind } from './server-profile.ts';
import { withinTimeout } from './within-timeout.ts';

export interface ProfileTestDependencies extends OperationDependencies {
  readonly vault: SecretVault;
  readonly oauth: OAuthAccess;
  readonly gate: ConnectionGate;
  readonly dialler: Dialler;
}

const endMarginMilliseconds = 10_000;

/** The profile's own login; where each mailbox has its own, the test goes as far as the login and says so. */
const profileLogin = (deps: ProfileTestDependencies, organization: Organization, profile: ServerProfile) => {
  const { source, authentication, username, password } = profile.credentials;
  const own = source === 'profile' || authentication === 'none';
  return {
    own,
    open: async (): Promise<Credentials> => {
      if (!own || authentication === 'none') return { authentication: 'none' };
      if (username === undefined || password === undefined)
        throw new TransportError('authenticationFailed', {
          class: 'permanent',
          level: 'profile',
          detail: `The profile has no ${username === undefined ? 'username' : 'password'}`,
          cause: 'No credentials are set',
        });
      const place = profileSecretPlace(organization, profile.id, 'password');
      return { authentication: 'password', username, password: await deps.vault.open(place, password) };
    },
  };
};

/** An application opens mailboxes and none of its own, but its tokens can be asked for. */
const applicationFault = async (
  { oauth }: ProfileTestDependencies,
  organization: Organization,
  profile: ServerProfile,
): Promise<Fault | undefined> => {
  if (profile.credentials.source !== 'application') return undefined;
  try {
    await oauth.applicationTokens(organization, profile).current();
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
};

/** Where each mailbox brings its own login, reaching the login is all that can be tested, and is a success. */
const withoutLogin = (test: WorkloadTest, application: Fault | undefined): WorkloadTest => {
  const failed = test.steps.find((step) => step.status === 'failure');
  if (failed !== undefined && failed.name !== 'authenticate' && failed.name !== 'list') return test;
  const detail = 'Not tried: each mailbox has its own credentials';
  return {
    fault: application,
    steps: test.steps.map((step) => {
      if (['resolve', 'connect', 'tls'].includes(step.name)) return step;
      if (application !== undefined && step.name === 'authenticate')
        return { ...step, status: 'failure' as const, detail: application.detail, code: application.code };
      return { name: step.name, status: 'skipped' as const, seconds: 0, detail };
    }),
  };
};

/** Carries out the test of a server profile: both servers, with the profile's own login where it has one. */
export const runProfileTest = async (
  deps: ProfileTestDependencies,
  organizationId: string,
  operation: Operation,
  delivery: { readonly receiveCount: number; readonly remainingMilliseconds: number },
): Promise<LaneVerdict> => {
  const organization = await deps.store.get(organizationKind, organizationId, organizationId);
  const stored = await deps.store.get(serverProfileKind, organizationId, operation.subject.id);
  if (organization === undefined || stored === undefined) {
    await finishOperation(deps, organizationId, operation.id, { status: 'failed', fault: createFault('notFound') });
    return { done: true };
  }
  const serverProfile = withinTimeout(organization, stored);
  const now = deps.now().getTime();
  const deadline = now + delivery.remainingMilliseconds;
  const gate = await deps.gate.enter({
    organizationId,
    serverProfile,
    host: serverProfile.incoming.host,
    mailboxId: serverProfile.id,
    lane: 'operations',
    generation: 0,
    expiresAt: deadline + leaseMarginMilliseconds,
    hasTicket: delivery.receiveCount > 1,
    ignoresPause: true,
    probeUntil: now,
  });
  if ('refused' in gate)
    return goOnWithPlace(deps, { organizationId, id: operation.id, group: serverProfile.id }, delivery, gate.until);
  try {
    const login = profileLogin(deps, organization, serverProfile);
    const subject = { serverProfile, openCredentials: login.open, emailAddress: null };
    const tools = { dialler: deps.dialler, now: deps.now, deadline: deadline - endMarginMilliseconds };
    const outgoing = await testOutgoing(subject, undefined, tools);
    const incoming = await testIncoming(subject, undefined, tools);
    const application = await applicationFault(deps, organization, serverProfile);
    const tests = login.own
      ? { incoming, outgoing }
      : { incoming: withoutLogin(incoming, application), outgoing: withoutLogin(outgoing, application) };
    await resumeProfile(deps, gate, organizationId, serverProfile.id, tests);
    const result = Object.fromEntries(
      Object.entries(tests).map(([side, { fault, steps }]) => [
        side,
        { status: fault === undefined ? 'success' : 'failure', ...(fault === undefined ? {} : { fault }), steps },
      ]),
    );
    await finishOperation(deps, organizationId, operation.id, { status: 'succeeded', result: { workloads: result } });
    return { done: true };
  } finally {
    await gate.leave();
  }
};
