import * as z from 'zod';
import { closeDeadLetter } from '../../../shared/dead-letter/close-dead-letter.ts';
import {
  askedKindSchema,
  type DeadLetter,
  deadLetterKind,
  deadLetterSchema,
} from '../../../shared/dead-letter/dead-letter.ts';
import { findDeadLetter } from '../../../shared/dead-letter/find-dead-letter.ts';
import { deadLetterAnswerSchema, presentDeadLetter } from '../../../shared/dead-letter/present-dead-letter.ts';
import { deadLetterFilterSchema } from '../../../shared/dead-letter/replay-dead-letters.ts';
import { createOperation } from '../../../shared/operation/create-operation.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { answerOperation, answerRedirect, answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, roles } from '../route.ts';

const tag = 'Dead letters';
const pathSchema = z.strictObject({ deadLetterId: z.string() });

/** Long enough for the lane to come to it and for the largest message. */
const replaySeconds = 900;
const replayAllSeconds = 86_400;

export const deadLettersRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/dead-letters',
    summary: 'Lists what could not be processed and was set aside, newest first',
    tag,
    access: roles,
    answers: { 200: pageSchema(deadLetterAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      mailboxId: z.string().max(250).optional(),
      kind: askedKindSchema.optional(),
      status: deadLetterSchema.shape.status.optional(),
    }),
    bodySchema: null,
    handle: async ({ services, organization, query: { limit, cursor, ...filters } }) => ({
      status: 200,
      body: await listEntities({
        store: services.store,
        kind: deadLetterKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters,
        matches: (letter: DeadLetter) =>
          (filters.kind === undefined || letter.kind === filters.kind) &&
          (filters.status === undefined || letter.status === filters.status),
        present: presentDeadLetter,
        now: services.now(),
        ...(filters.mailboxId === undefined
          ? {}
          : {
              index: {
                name: 'byMailbox' as const,
                key: `${partition(organization.id, deadLetterKind.kind)}#${filters.mailboxId}`,
              },
            }),
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/dead-letters/{deadLetterId}',
    summary: 'Reads a dead letter',
    tag,
    access: roles,
    answers: { 200: deadLetterAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization, path }) =>
      answerResource(presentDeadLetter(await findDeadLetter(services.store, organization.id, path.deadLetterId))),
  }),
  defineRoute({
    method: 'GET',
    path: '/dead-letters/{deadLetterId}/raw',
    summary: 'Redirects to the exact bytes',
    tag,
    access: ['admin', 'crm'],
    answers: { 302: null },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization, path }) => {
      const letter = await findDeadLetter(services.store, organization.id, path.deadLetterId);
      return answerRedirect(
        await services.content.downloadUrl(letter.rawKey, {
          contentType: 'message/rfc822',
          fileName: `${letter.id}.eml`,
        }),
      );
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/dead-letters/replay',
    summary: 'Tries all open dead letters that fit again, oldest first',
    tag,
    access: ['admin', 'crm'],
    answers: { 202: operationAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: z.strictObject({ filter: deadLetterFilterSchema.prefault({}) }),
    handle: async ({ services, organization, body, identifierFor }) => {
      const id = identifierFor('opn');
      const operation = await createOperation(services, {
        id,
        organizationId: organization.id,
        kind: 'replayDeadLetters',
        subject: { type: 'organization', id: organization.id },
        mailboxGroup: id,
        input: body.filter,
        deadlineSeconds: replayAllSeconds,
        total: 0,
      });
      return answerOperation(presentOperation(operation));
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/dead-letters/{deadLetterId}/replay',
    summary: "Decides about the message again by today's settings; the email exists once however often",
    tag,
    access: ['admin', 'crm'],
    answers: { 202: operationAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async ({ services, organization, path, identifierFor, ifMatch }) => {
      const letter = await findDeadLetter(services.store, organization.id, path.deadLetterId);
      if (ifMatch !== undefined && ifMatch !== letter.version) throw new FaultError('versionMismatch');
      const operation = await createOperation(services, {
        id: identifierFor('opn'),
        organizationId: organization.id,
        kind: 'replayDeadLetter',
        subject: { type: 'deadLetter', id: letter.id },
        mailboxGroup: letter.id,
        input: {},
        deadlineSeconds: replaySeconds,
      });
      return answerOperation(presentOperation(operation));
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/dead-letters/{deadLetterId}/discard',
    summary: 'Gives the message up and clears its alert',
    tag,
    access: ['admin', 'crm'],
    answers: { 200: deadLetterAnswerSchema },
    problems: ['invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({ reason: z.string().min(1).max(1000) }),
    handle: async ({ services: { store, now }, organization, author, path, body, ifMatch }) => {
      const { id } = await findDeadLetter(store, organization.id, path.deadLetterId);
      const end = { status: 'discarded', reason: body.reason } as const;
      return answerResource(
        presentDeadLetter(await closeDeadLetter({ store, author, now }, organization.id, id, end, ifMatch)),
      );
    },
  }),
];
