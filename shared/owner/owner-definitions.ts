import type * as z from 'zod';
import type { EntityKind, EntityStore } from '../platform/entity-store.ts';
import type { AddressHolder } from '../record/address-entry.ts';
import { requireOwner } from './find-owner.ts';
import { type Queue, queueKind, type Team, teamKind, type User, userKind } from './owner.ts';
import {
  type QueueInput,
  queueInputSchema,
  type TeamInput,
  teamInputSchema,
  type UserInput,
  userInputSchema,
} from './owner-input.ts';

export type OwnerEntity = User | Queue | Team;

export interface Identity {
  readonly id: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What a user or queue has besides its own fields. */
export interface MailboxPart {
  readonly mailboxId: string;
  readonly userNumber: number;
}

type Fields<Input> = Omit<Input, 'confirmTakeoverFrom'>;

/** How one type of owner differs from the others; the rules they share are in manage-owners.ts. */
export interface OwnerDefinition<Item extends OwnerEntity, Input extends { readonly emailAddress: string | null }> {
  readonly type: 'user' | 'queue' | 'team';
  readonly kind: EntityKind<Item>;
  readonly inputSchema: z.ZodObject & z.ZodType<Input>;
  /** Turns references into ids. @throws FaultError invalidRequest */
  readonly resolve: (store: EntityStore, organizationId: string, fields: Fields<Input>) => Promise<Fields<Input>>;
  /** The fields that a request may set, as they stand. */
  readonly fieldsOf: (item: Item) => Fields<Input>;
  readonly create: (identity: Identity, fields: Fields<Input>, mailbox: MailboxPart) => Item;
  readonly change: (item: Item, fields: Fields<Input>) => Item;
  readonly holderOf: (item: Item) => AddressHolder;
  /** Teams have none. */
  readonly mailboxIdOf: (item: Item) => string | null;
  readonly isActive: (item: Item) => boolean;
  readonly nameOf: (item: Item) => string;
}

const addressesOf = (...addresses: readonly (string | null)[]): string[] =>
  addresses.filter((address) => address !== null);

const resolveMembers = async (
  store: EntityStore,
  organizationId: string,
  ids: readonly string[],
): Promise<string[]> => {
  const members = new Set<string>();
  for (const [index, id] of ids.entries())
    members.add(await requireOwner(store, organizationId, ['user'], id, `#/memberIds/${index}`));
  return [...members];
};

export const userDefinition: OwnerDefinition<User, UserInput> = {
  type: 'user',
  kind: userKind,
  inputSchema: userInputSchema,
  resolve: async (_store, _organizationId, fields) => fields,
  fieldsOf: ({ id, version, createdAt, updatedAt, mailboxId, userNumber, ...fields }) => fields,
  create: (identity, fields, mailbox) => ({ ...identity, ...fields, ...mailbox }),
  change: (item, fields) => ({ ...item, ...fields }),
  holderOf: (user) => ({
    entry: {
      type: 'user',
      id: user.id,
      externalId: user.externalId,
      displayName: user.fullName,
      ownerId: null,
      status: user.status,
      createdAt: user.createdAt,
      emailEnabled: true,
    },
    addresses: addressesOf(user.emailAddress, ...user.otherAddresses),
  }),
  mailboxIdOf: (user) => user.mailboxId,
  isActive: (user) => user.status === 'active',
  nameOf: (user) => user.fullName,
};

export const queueDefinition: OwnerDefinition<Queue, QueueInput> = {
  type: 'queue',
  kind: queueKind,
  inputSchema: queueInputSchema,
  resolve: async (store, organizationId, fields) => ({
    ...fields,
    ownerId:
      fields.ownerId === null
        ? null
        : await requireOwner(store, organizationId, ['user', 'team'], fields.ownerId, '#/ownerId'),
    memberIds: await resolveMembers(store, organizationId, fields.memberIds),
  }),
  fieldsOf: ({ id, version, createdAt, updatedAt, mailboxId, userNumber, ...fields }) => fields,
  create: (identity, fields, mailbox) => ({ ...identity, ...fields, ...mailbox }),
  change: (item, fields) => ({ ...item, ...fields }),
  holderOf: (queue) => ({
    entry: {
      type: 'queue',
      id: queue.id,
      externalId: queue.externalId,
      displayName: queue.name,
      ownerId: queue.ownerId,
      status: 'active',
      createdAt: queue.createdAt,
      emailEnabled: true,
    },
    addresses: addressesOf(queue.emailAddress),
  }),
  mailboxIdOf: (queue) => queue.mailboxId,
  isActive: () => true,
  nameOf: (queue) => queue.name,
};

export const teamDefinition: OwnerDefinition<Team, TeamInput> = {
  type: 'team',
  kind: teamKind,
  inputSchema: teamInputSchema,
  resolve: async (store, organizationId, fields) => ({
    ...fields,
    memberIds: await resolveMembers(store, organizationId, fields.memberIds),
  }),
  fieldsOf: ({ id, version, createdAt, updatedAt, ...fields }) => fields,
  create: (identity, fields) => ({ ...identity, ...fields }),
  change: (item, fields) => ({ ...item, ...fields }),
  holderOf: (team) => ({
    entry: {
      type: 'team',
      id: team.id,
      externalId: team.externalId,
      displayName: team.name,
      ownerId: null,
      status: 'active',
      createdAt: team.createdAt,
      emailEnabled: true,
    },
    addresses: addressesOf(team.emailAddress),
  }),
  mailboxIdOf: () => null,
  isActive: () => true,
  nameOf: (team) => team.name,
};
