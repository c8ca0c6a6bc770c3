import * as z from 'zod';
import { findOwner } from '../../../shared/owner/find-owner.ts';
import { queueKind } from '../../../shared/owner/owner.ts';
import { refuseField } from '../../../shared/platform/validate.ts';
import { referenceSchema } from '../../../shared/platform/values.ts';
import { addressEntrySchema } from '../../../shared/record/address-entry.ts';
import { explainResolution } from '../../../shared/record/explain-resolution.ts';
import { resolutionReasons } from '../../../shared/record/rank-candidates.ts';
import { resolveRecipient, resolveSender, toReference } from '../../../shared/record/resolve-address.ts';
import { defineRoute, noParameters, type Route, roles } from '../route.ts';

const candidateSchema = addressEntrySchema.omit({ createdAt: true, emailEnabled: true });

const answerSchema = z.object({
  address: z.string(),
  candidates: z.array(candidateSchema).meta({ description: 'Best first.' }),
  chosen: referenceSchema.nullable().meta({ description: 'What a sender with this address stands for.' }),
  reason: z.enum(resolutionReasons),
  detail: z.string(),
  recipients: z.array(referenceSchema).meta({ description: 'What a recipient with this address stands for.' }),
});

export const resolveRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/resolve',
    summary: 'Who has an address, and whom mail from it is taken to be from',
    tag: 'Records',
    access: roles,
    answers: { 200: answerSchema },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      address: z.string().min(1).max(320),
      mailboxOwnerId: z.string().max(250).optional().meta({
        description:
          'The user or queue whose mailbox would be tracked; what this user, or the owner of this queue, owns goes first.',
      }),
    }),
    bodySchema: null,
    handle: async ({ services, organization, query }) => {
      const { store, table } = services;
      const owner =
        query.mailboxOwnerId === undefined
          ? undefined
          : await findOwner(store, organization.id, ['user', 'queue'], query.mailboxOwnerId);
      if (query.mailboxOwnerId !== undefined && owner === undefined)
        throw refuseField('#/query/mailboxOwnerId', 'notFound', `There is no user or queue ${query.mailboxOwnerId}`);
      const queue = owner?.type === 'queue' ? await store.get(queueKind, organization.id, owner.id) : undefined;
      const recordOwner = queue === undefined ? owner?.id : queue.ownerId;
      const sender = await resolveSender(table, organization, query.address, recordOwner);
      const recipient = await resolveRecipient(table, organization, query.address, recordOwner);
      return {
        status: 200,
        body: {
          address: query.address,
          candidates: sender.candidates.map(
            ({ createdAt: _createdAt, emailEnabled: _emailEnabled, ...shown }) => shown,
          ),
          chosen: sender.chosen === undefined ? null : toReference(sender.chosen),
          reason: sender.reason,
          detail: explainResolution(sender.reason),
          recipients: recipient.chosen.map(toReference),
        },
      };
    },
  }),
];
