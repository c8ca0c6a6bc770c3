import * as z from 'zod';
import { type DeadLetter, deadLetterKind, deadLetterSchema } from '../../../shared/dead-letter/dead-letter.ts';
import { deadLetterAnswerSchema, presentDeadLetter } from '../../../shared/dead-letter/present-dead-letter.ts';
import type { EntityStore } from '../../../shared/platform/entity-store.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerRedirect, answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, roles } from '../route.ts';

const tag = 'Dead letters';
const pathSchema = z.strictObject({ deadLetterId: z.string() });

const getDeadLetter = async (store: EntityStore, organizationId: string, text: string): Promise<DeadLetter> => {
  const id = await resolveIdentifier(store, organizationId, deadLetterKind.kind, deadLetterKind.prefix, text);
  const letter = await store.get(deadLetterKind, organizationId, id);
  if (letter === undefined) throw new FaultError('notFound');
  return letter;
};

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
      kind: deadLetterSchema.shape.kind.optional(),
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
      answerResource(presentDeadLetter(await getDeadLetter(services.store, organization.id, path.deadLetterId))),
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
      const letter = await getDeadLetter(services.store, organization.id, path.deadLetterId);
      return answerRedirect(
        await services.content.downloadUrl(letter.rawKey, {
          contentType: 'message/rfc822',
          fileName: `${letter.id}.eml`,
        }),
      );
    },
  }),
];
