import * as z from 'zod';
import { createForwardMailbox, forwardMailboxSchema } from '../../../shared/mailbox/create-forward-mailbox.ts';
import { createMailboxFilter, findOwnerMailbox } from '../../../shared/mailbox/find-mailboxes.ts';
import {
  type Mailbox,
  mailboxKind,
  mailboxSchema,
  workloadNameSchema,
  workloadStateSchema,
} from '../../../shared/mailbox/mailbox.ts';
import { requireMailbox } from '../../../shared/mailbox/mailbox-context.ts';
import { mailboxPatchSchema } from '../../../shared/mailbox/mailbox-input.ts';
import { healthSchema } from '../../../shared/mailbox/mailbox-schedule.ts';
import { patchMailbox } from '../../../shared/mailbox/patch-mailbox.ts';
import { mailboxAnswerSchema, presentMailbox } from '../../../shared/mailbox/present-mailbox.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { answerCreated, answerResource } from '../answers.ts';
import { mailboxContextOf, mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { isAdministrator, limitedTo, type Ownership, ownershipOf, requireFieldsOf } from '../ownership.ts';
import { listEntities, listFound, pageQueryShape, pageSchema } from '../page.ts';
import { type Caller, defineRoute, noParameters, type Route, rolesAndUsers, writersAndUsers } from '../route.ts';

const tag = 'Mailboxes';

/** Only administrators, and users for themselves, set what mailboxes log in with. @throws FaultError forbidden */
const refuseCredentials = (caller: Caller, body: { readonly credentials?: unknown }): void => {
  if (body.credentials !== undefined && !isAdministrator(caller) && ownershipOf(caller) === undefined)
    throw new FaultError('forbidden', {
      detail: 'Credentials are set with a key of role admin',
      fix: 'Use a key of role admin, or leave credentials out',
    });
};

export const mailboxesRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/mailboxes',
    summary: 'Lists mailboxes, newest first; those of deleted owners are left out',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(mailboxAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      ownerId: z.string().max(250).optional().meta({ description: 'A user or a queue.' }),
      serverProfileId: z.string().max(250).optional(),
      kind: mailboxSchema.shape.kind.optional(),
      approval: mailboxSchema.shape.approval.shape.status.optional(),
      workload: workloadNameSchema.optional().meta({
        description: 'The workload that state is asked of; alone: those that synchronize it.',
      }),
      state: workloadStateSchema.optional(),
      health: healthSchema.optional(),
    }),
    bodySchema: null,
    handle: async ({ services, organization, caller, query: { limit, cursor, ownerId: named, ...filters } }) => {
      const { store, cycles, now } = services;
      const isOwn = ({ mailboxId }: Ownership, { id }: Mailbox): boolean => id === mailboxId;
      const matches = limitedTo(caller, isOwn, createMailboxFilter({ cycles, organization, now }, filters));
      const ownerId = named ?? ownershipOf(caller)?.userId;
      const list = {
        kind: mailboxKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters: { ownerId, ...filters },
        present: presentMailbox,
        now: now(),
      };
      if (ownerId === undefined) return { status: 200, body: await listEntities({ ...list, store, matches }) };
      const mailbox = await findOwnerMailbox(store, organization.id, ownerId);
      const found = mailbox !== undefined && (await matches(mailbox)) ? [mailbox] : [];
      return { status: 200, body: listFound({ ...list, found }) };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/mailboxes',
    summary: 'Creates a mailbox that others forward to; credentials with a key of role admin only',
    tag,
    access: ['admin', 'crm'],
    answers: { 201: mailboxAnswerSchema },
    problems: ['mailboxAlreadyMapped', 'notSupported'],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: forwardMailboxSchema,
    handle: async (context) => {
      const { caller, body } = context;
      refuseCredentials(caller, body);
      const id = context.identifierFor(mailboxKind.prefix);
      const mailbox = await createForwardMailbox(mailboxContextOf(context), body, id);
      return answerCreated(`/mailboxes/${mailbox.id}`, presentMailbox(mailbox));
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/mailboxes/{mailboxId}',
    summary: 'Reads a mailbox',
    tag,
    access: rolesAndUsers,
    answers: { 200: mailboxAnswerSchema },
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      const mailboxId = await resolveMailboxId(context);
      return answerResource(presentMailbox(await requireMailbox({ store: services.store, organization }, mailboxId)));
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/mailboxes/{mailboxId}',
    summary:
      'Changes a mailbox; credentials with a key of role admin only. Users set credentials and processEmailFrom of their own',
    tag,
    access: writersAndUsers,
    answers: { 200: mailboxAnswerSchema },
    problems: ['mailboxAlreadyMapped', 'notSupported', 'invalidState'],
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: mailboxPatchSchema,
    handle: async (context) => {
      const { caller, body, ifMatch, presentFields } = context;
      const mailboxId = await resolveMailboxId(context);
      refuseCredentials(caller, body);
      requireFieldsOf(caller, presentFields, ['credentials', 'processEmailFrom'], 'mailbox');
      return answerResource(presentMailbox(await patchMailbox(mailboxContextOf(context), mailboxId, body, ifMatch)));
    },
  }),
];
