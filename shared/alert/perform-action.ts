import type { AcceptDependencies } from '../email/accept-send.ts';
import { type Email, emailKind } from '../email/email.ts';
import { retrySend } from '../email/send-actions.ts';
import { testRequestSchema } from '../mailbox/mailbox-input.ts';
import { joinSynchronize } from '../mailbox/start-synchronize.ts';
import { type StartContext, startTest } from '../mailbox/start-test.ts';
import { type ConnectionContext, startConnection } from '../oauth/start-connection.ts';
import { createOperation } from '../operation/create-operation.ts';
import type { Operation } from '../operation/operation.ts';
import { FaultError } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { startProfileTest } from '../server-profile/start-profile-test.ts';
import type { ThrottleReader } from '../throttle/throttle-reader.ts';
import type { Alert, AlertAction } from './alert.ts';

export interface ActionContext extends StartContext, ConnectionContext {
  readonly throttle: ThrottleReader;
  readonly accept: AcceptDependencies;
  /** Where a provider sends browsers back to the hub. */
  readonly redirectUri: string;
  /** Where the browser goes after signing in again; without it the first address that the organization allows. */
  readonly returnUrl: string | undefined;
}

/** What an action has led to: work that goes on, an email under way, or where to send the browser. */
export type ActionOutcome =
  | { readonly operation: Operation }
  | { readonly email: Email }
  | { readonly signIn: { readonly authorizationUrl: string; readonly expiresAt: string } };

const replaySeconds = 900;

/** Chosen twice, also after a crash, an action starts one operation. */
const operationOf = (alert: Alert, action: AlertAction): string =>
  deriveIdentifier('opn', Date.parse(alert.firstAt), `${alert.id}#${action}#${alert.count}`);

const sendAgain = async ({ accept, organization, author }: ActionContext, emailId: string): Promise<Email> => {
  const email = await accept.store.get(emailKind, organization.id, emailId);
  if (email === undefined) throw new FaultError('invalidState', { detail: 'The email is deleted' });
  // The retry of a request that ended before it could note the answer.
  if (email.status !== 'failed') return email;
  return retrySend(accept, organization, emailId, { acceptDuplicate: false }, { author });
};

const tryAgain = async (context: ActionContext, alert: Alert): Promise<ActionOutcome> => {
  const { organization, throttle } = context;
  const { type, id } = alert.subject;
  const operationId = operationOf(alert, 'retry');
  switch (type) {
    case 'email':
      return { email: await sendAgain(context, id) };
    case 'mailbox':
      return { operation: await joinSynchronize(context, throttle, id, undefined, { operationId }) };
    case 'serverProfile':
      return {
        operation: await startProfileTest(context, organization.id, id, { operationId, ifMatch: undefined }),
      };
    case 'deadLetter':
      return {
        operation: await createOperation(context, {
          id: operationId,
          organizationId: organization.id,
          kind: 'replayDeadLetter',
          subject: { type, id },
          mailboxGroup: id,
          input: {},
          deadlineSeconds: replaySeconds,
        }),
      };
    default:
      throw new FaultError('notSupported', { detail: `Nothing can be tried again for a ${type}` });
  }
};

/**
 * Does what an action of an alert says, as the request of its own would.
 *
 * @throws FaultError those of that request
 */
export const performAction = async (
  context: ActionContext,
  alert: Alert,
  action: AlertAction,
): Promise<ActionOutcome> => {
  const { organization, redirectUri } = context;
  switch (action) {
    case 'retry':
      return tryAgain(context, alert);
    case 'testAndEnable': {
      const operationId = operationOf(alert, action);
      return { operation: await startTest(context, alert.subject.id, testRequestSchema.parse({}), { operationId }) };
    }
    case 'reconnect': {
      const returnUrl = context.returnUrl ?? organization.settings.oauth.allowedReturnUrls[0] ?? '';
      const request = { returnUrl, redirectUri, ifMatch: undefined };
      return { signIn: await startConnection(context, alert.subject.id, request) };
    }
    case 'yes':
    case 'no':
      throw new FaultError('notSupported', { detail: 'This alert asks no question' });
  }
};
