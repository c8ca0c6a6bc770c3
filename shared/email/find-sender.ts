import { type Queue, queueKind, type User, userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { findIdentifier } from '../platform/resolve-identifier.ts';
import { refuseField } from '../platform/validate.ts';
import type { Party } from './email.ts';

/** A user or queue that email is sent for. */
export interface Sender {
  readonly ownerId: string;
  readonly mailboxId: string;
  readonly userNumber: number;
  /** Null while the owner has no address. */
  readonly address: string | null;
  readonly party: Party;
}

const fromUser = (user: User): Sender => ({
  ownerId: user.id,
  mailboxId: user.mailboxId,
  userNumber: user.userNumber,
  address: user.emailAddress,
  party: {
    address: user.emailAddress ?? '',
    name: user.fullName,
    records: [{ type: 'user', id: user.id, externalId: user.externalId }],
  },
});

const fromQueue = (queue: Queue): Sender => ({
  ownerId: queue.id,
  mailboxId: queue.mailboxId,
  userNumber: queue.userNumber,
  address: queue.emailAddress,
  party: {
    address: queue.emailAddress ?? '',
    name: queue.name,
    records: [{ type: 'queue', id: queue.id, externalId: queue.externalId }],
  },
});

/** By id or `ext:`; an externalId that a user and a queue share means the user. Undefined when there is none. */
export const findSender = async (
  store: EntityStore,
  organizationId: string,
  owner: string,
): Promise<Sender | undefined> => {
  const userId = await findIdentifier(store, organizationId, 'user', 'usr', owner);
  const user = userId === undefined ? undefined : await store.get(userKind, organizationId, userId);
  if (user !== undefined) return fromUser(user);
  const queueId = await findIdentifier(store, organizationId, 'queue', 'que', owner);
  const queue = queueId === undefined ? undefined : await store.get(queueKind, organizationId, queueId);
  return queue === undefined ? undefined : fromQueue(queue);
};

/** @throws FaultError invalidRequest, which names the field */
export const requireSender = async (
  store: EntityStore,
  organizationId: string,
  owner: string,
  field: string,
): Promise<Sender> => {
  const sender = await findSender(store, organizationId, owner);
  if (sender === undefined) throw refuseField(field, 'notFound', 'There is no user or queue with this id');
  return sender;
};
