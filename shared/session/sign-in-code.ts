import { auditWrite } from '../audit/audit-write.ts';
import { createSignInCode, createToken, isTokenOf, locateSignInCode } from '../organization/access-token.ts';
import { type FoundSession, findSession } from '../organization/find-caller.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { fingerprint } from '../platform/identifier.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import { type Session, sessionKind } from './session.ts';

/** Long enough to follow a link, too short to find one in a history or a log. */
const codeMilliseconds = 60_000;

/** A code for a session and what of it is stored. */
export const newSignInCode = (
  organizationId: string,
  sessionId: string,
  now: Date,
): { readonly code: string; readonly signIn: NonNullable<Session['signIn']> } => {
  const { token, hash } = createSignInCode({ organizationId, sessionId });
  const expiresAt = new Date(now.getTime() + codeMilliseconds).toISOString();
  return { code: token, signIn: { hash, expiresAt, usedBy: null } };
};

/** Somebody who is signed in to the console. */
export interface SignedIn {
  readonly session: Session;
  /** The bearer token, shown this once. */
  readonly token: string;
}

const codeIsOver = (): FaultError => new FaultError('signInLinkOver');

/** @throws FaultError signInLinkOver, organizationSuspended */
const requireOpened = async (store: EntityStore, code: string, attempt: string, now: Date): Promise<FoundSession> => {
  const place = locateSignInCode(code);
  const isOpened = ({ signIn }: Session): boolean =>
    signIn !== null &&
    isTokenOf(code, signIn.hash) &&
    Date.parse(signIn.expiresAt) > now.getTime() &&
    (signIn.usedBy === null || signIn.usedBy === attempt);
  const found = place === undefined ? undefined : await findSession(store, place, isOpened, now);
  if (found === undefined) throw codeIsOver();
  if (found.organization.status !== 'active') throw new FaultError('organizationSuspended');
  return found;
};

/**
 * Uses a sign-in code up. Only the first attempt gets in: an attempt is random text that a page makes up and tells
 * nobody, so that it may ask again when the answer was lost, which replaces the token that it never saw.
 *
 * @throws FaultError signInLinkOver, organizationSuspended
 */
export const redeemSignInCode = async (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  code: string,
  attempt: string,
): Promise<SignedIn> => {
  const usedBy = fingerprint('attempt', attempt);
  const at = now();
  const { session, organization } = await requireOpened(store, code, usedBy, at);
  const { signIn } = session;
  const { token, hash } = createToken({ type: 'session', organizationId: organization.id, sessionId: session.id });
  const actor = { type: 'session' as const, id: session.id, userId: session.userId };
  try {
    await store.table.write([
      {
        update: recordKey(organization.id, sessionKind.kind, session.id),
        expression: 'SET entity.consoleHash = :token, entity.signIn.usedBy = :usedBy',
        values: { ':token': hash, ':usedBy': usedBy, ':code': signIn?.hash, ':seen': signIn?.usedBy },
        condition: 'entity.signIn.#hash = :code AND entity.signIn.usedBy = :seen',
        names: { '#hash': 'hash' },
      },
      auditWrite(organization.id, {
        author: { origin: 'crm', actor },
        now: at,
        action: 'session.signedIn',
        subject: { type: 'session', id: session.id },
        before: null,
        after: { userId: session.userId, role: session.role },
      }),
    ]);
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
    throw codeIsOver();
  }
  return { session, token };
};
