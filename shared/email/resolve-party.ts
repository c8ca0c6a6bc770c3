import { createOperation } from '../operation/create-operation.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { normalizeAddress } from '../platform/address.ts';
import { refuseField } from '../platform/validate.ts';
import type { Email } from './email.ts';
import type { ResolvePartyInput } from './email-input.ts';
import type { EmailOwnership } from './own-email.ts';
import { changeParties, hasAddress, partiesOf, withRecord } from './party-record.ts';
import { requireRecord } from './resolve-parties.ts';
import type { ActionOptions } from './send-actions.ts';
import { resolveSimilar, type SimilarEmails } from './similar-emails.ts';

interface ResolveOptions extends ActionOptions {
  /** Whose emails alone may be changed, too; undefined: everybody's. */
  readonly ownership: EmailOwnership | undefined;
  readonly operationId: string;
}

const similarMilliseconds = 90 * 86_400_000;
/** A person waits for the answer. */
const requestMilliseconds = 2_000;
const operationSeconds = 86_400;

export interface ResolvedParty {
  readonly email: Email;
  /** What goes on with the similar emails that the request had no time for. */
  readonly operation: Operation | undefined;
}

/**
 * Says which record an address of an email stands for, and, unless told otherwise, of every other email of the last 90
 * days where the same address is unresolved, newest first. What takes longer than a person likes to wait is left to an
 * operation.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest
 */
export const resolveParty = async (
  deps: OperationDependencies,
  organizationId: string,
  emailId: string,
  input: ResolvePartyInput,
  { author, ifMatch, ownership, operationId }: ResolveOptions,
): Promise<ResolvedParty> => {
  const { reference } = await requireRecord(deps.store, organizationId, input.record, '#/record');
  const address = normalizeAddress(input.address);
  const email = await changeParties(deps, organizationId, emailId, { author, ifMatch }, (current) => {
    if (!partiesOf(current).some((party) => hasAddress(party, address)))
      throw refuseField('#/address', 'notAParty', 'No party of this email has the address');
    return withRecord(current, address, reference, () => true);
  });
  if (!input.applyToSimilar) return { email, operation: undefined };
  const started = deps.now().getTime();
  const similar: SimilarEmails = {
    emailId,
    address,
    reference,
    author,
    since: new Date(started - similarMilliseconds).toISOString(),
    ...(ownership === undefined ? {} : { ownership }),
  };
  const mayGoOn = (): boolean => deps.now().getTime() - started < requestMilliseconds;
  const { left } = await resolveSimilar(deps, organizationId, similar, { changed: 0 }, { mayGoOn });
  if (left === undefined) return { email, operation: undefined };
  const operation = await createOperation(deps, {
    id: operationId,
    organizationId,
    kind: 'resolveParty',
    subject: { type: 'email', id: emailId },
    mailboxGroup: emailId,
    input: { ...similar, from: left },
    deadlineSeconds: operationSeconds,
  });
  return { email, operation };
};
