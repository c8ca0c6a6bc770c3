import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { isFinished, type Operation, type OperationDependencies } from '../operation/operation.ts';
import { operationMessage } from '../operation/operation-message.ts';
import { finishOperation, reportProgress } from '../operation/run-operation.ts';
import { actorSchema, originSchema } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { identifierAt } from '../platform/identifier.ts';
import { referenceSchema } from '../platform/values.ts';
import { type Email, emailKind, type Party } from './email.ts';
import { emailOwnershipSchema, isOwnEmail } from './own-email.ts';
import { changeParties, hasAddress, partiesOf, withRecord } from './party-record.ts';

/** How far the work has come, newest emails first. */
const positionSchema = z.object({
  changed: z.number().int().default(0),
  /** The email that was looked at last. */
  position: z.string().optional(),
});
type Position = z.output<typeof positionSchema>;

/** In which other emails an address is to stand for a record. */
export const similarEmailsSchema = z.object({
  /** The email in which it was said. */
  emailId: z.string(),
  address: z.string(),
  reference: referenceSchema,
  author: z.object({ origin: originSchema, actor: actorSchema }),
  /** Whose emails alone may be changed. */
  ownership: emailOwnershipSchema.optional(),
  /** Emails since then. */
  since: z.string(),
});
export type SimilarEmails = z.output<typeof similarEmailsSchema>;

const inputSchema = similarEmailsSchema.extend({ from: positionSchema });

const pageSize = 100;
const endMarginMilliseconds = 10_000;

const isUnresolved = (party: Party): boolean => party.records.length === 0;

const isSimilar = ({ emailId, address, ownership }: SimilarEmails, email: Email): boolean =>
  email.id !== emailId &&
  (ownership === undefined || isOwnEmail(ownership, email)) &&
  partiesOf(email).some((party) => hasAddress(party, address) && isUnresolved(party));

/**
 * Puts the record behind an address in the emails where it is unresolved. Goes on where `from` stands; may be repeated.
 *
 * @returns where it ended; undefined once every email was looked at
 */
export const resolveSimilar = async (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  organizationId: string,
  similar: SimilarEmails,
  from: Position,
  tools: { readonly mayGoOn: () => boolean; readonly save?: (reached: Position) => Promise<void> },
): Promise<{ readonly changed: number; readonly left: Position | undefined }> => {
  const { address, reference, author } = similar;
  let { changed, position } = from;
  const reached = (): Position => ({ changed, ...(position === undefined ? {} : { position }) });
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(emailKind, organizationId, {
      limit: pageSize,
      after,
      from: identifierAt(emailKind.prefix, Date.parse(similar.since)),
      ...(from.position === undefined ? {} : { to: from.position }),
    });
    for (const email of page.items) {
      if (!tools.mayGoOn()) return { changed, left: reached() };
      if (isSimilar(similar, email)) {
        await changeParties({ store, now }, organizationId, email.id, { author }, (current) =>
          withRecord(current, address, reference, isUnresolved),
        ).catch((error: unknown) => {
          // Deleted meanwhile.
          if (!(error instanceof FaultError && error.fault.code === 'notFound')) throw error;
        });
        changed += 1;
      }
      position = email.id;
    }
    await tools.save?.(reached());
    after = page.after;
  } while (after !== undefined);
  return { changed, left: undefined };
};

/** The operation that goes on where a request ended. */
export const runResolveSimilar = async (
  deps: OperationDependencies,
  organizationId: string,
  operation: Operation,
  { remainingMilliseconds }: { readonly remainingMilliseconds: number },
): Promise<LaneVerdict> => {
  const { queues, now } = deps;
  const { from, ...similar } = inputSchema.parse(operation.input);
  const deadline = now().getTime() + remainingMilliseconds - endMarginMilliseconds;
  let cancelled = false;
  const { changed, left } = await resolveSimilar(
    deps,
    organizationId,
    similar,
    positionSchema.parse(operation.result ?? from),
    {
      mayGoOn: () => !cancelled && now().getTime() < deadline,
      save: async (reached) => {
        const progress = { done: reached.changed, total: Math.max(1, reached.changed) };
        cancelled = isFinished(await reportProgress(deps, organizationId, operation.id, progress, reached));
      },
    },
  );
  if (left === undefined || cancelled) {
    await finishOperation(deps, organizationId, operation.id, { status: 'succeeded', result: { changed } });
    return { done: true };
  }
  await reportProgress(deps, organizationId, operation.id, operation.progress, left);
  // A fresh message, so that other operations have their turn.
  const group = similar.emailId;
  const occasion = String(now().getTime());
  const message = operationMessage(organizationId, group, operation.id, occasion);
  await queues.send('operations', group, `${operation.id}.${occasion}`, message);
  return { done: true };
};
