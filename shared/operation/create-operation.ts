import { createIdentifier, deriveIdentifier, identifierTime } from '../platform/identifier.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import {
  type Operation,
  type OperationDependencies,
  type OperationKind,
  operationExpiry,
  operationKind,
} from './operation.ts';
import { operationMessage } from './operation-message.ts';

export interface OperationRequest {
  /** `deploymentScope` for work that outlives its organization. */
  readonly organizationId: string;
  readonly kind: OperationKind;
  readonly subject: Operation['subject'];
  /** Message group: the mailbox; the profile or the operation's own subject where no mailbox is concerned. */
  readonly mailboxGroup: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Seconds after which the operation is failed if it has not finished. */
  readonly deadlineSeconds: number;
  /** How many steps `progress` counts to. Default 1. */
  readonly total?: number;
  /** The item of bulk work that this carries out; repeating it gives the same operation. */
  readonly parent?: Operation['parent'];
  /** Names the operation, so that a repeated request finds the first one instead of starting a second. */
  readonly id?: string;
  /** Written with the operation, all or nothing (such as a pointer that keeps a second one from starting). */
  readonly also?: readonly RecordWrite[];
}

/** The operation that carries out an item of bulk work; the same one however often it is asked for. */
export const childOperationId = (parent: NonNullable<Operation['parent']>): string =>
  deriveIdentifier('opn', identifierTime(parent.operationId), `${parent.operationId}#${parent.item}`);

/**
 * Accepts long work. In this order, because the call may end between any two steps: the watchdog is told first (it
 * forgets an operation that never came to be), then the operation is stored, then its message is sent, which the stream
 * and the watchdog repeat.
 *
 * @throws WriteConditionError when a condition in `also` fails; nothing is started then
 */
export const createOperation = async (
  dependencies: OperationDependencies,
  request: OperationRequest,
): Promise<Operation> => {
  const { store, queues, operationWatch } = dependencies;
  const now = dependencies.now();
  const { organizationId, mailboxGroup: group, parent } = request;
  const id = request.id ?? (parent === undefined ? createIdentifier('opn', now.getTime()) : childOperationId(parent));
  const deadline = now.getTime() + request.deadlineSeconds * 1000;
  const operation: Operation = {
    id,
    version: 1,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    kind: request.kind,
    status: 'queued',
    subject: request.subject,
    progress: { done: 0, total: request.total ?? 1 },
    deadline: new Date(deadline).toISOString(),
    revision: 0,
    input: { ...request.input },
    ...(parent === undefined ? {} : { parent }),
  };
  const message = operationMessage(organizationId, group, id);
  await operationWatch.begin({ organizationId, operationId: id, group, due: now.getTime(), deadline });
  try {
    await store.create(operationKind, organizationId, operation, {
      expiresAt: operationExpiry(operation.createdAt),
      attributes: {
        published: 'yes',
        laneMessages: [{ lane: 'operations', mailboxId: group, deduplicationId: id, body: message }],
      },
      ...(request.also === undefined ? {} : { also: request.also }),
    });
  } catch (error) {
    const existing =
      error instanceof WriteConditionError ? await store.get(operationKind, organizationId, id) : undefined;
    if (existing !== undefined) return existing;
    if (error instanceof WriteConditionError) await operationWatch.end(organizationId, id);
    throw error;
  }
  try {
    await queues.send('operations', group, id, message);
  } catch {
    // The operation stands; the stream sends its message again. A refusal now would make the caller start a second one.
  }
  return operation;
};
