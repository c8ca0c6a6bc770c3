import * as z from 'zod';
import type { Organization } from '../../../shared/organization/organization.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { type Decision, decisionKind, decisionSchema } from '../../../shared/tracking/decision.ts';
import { decisionAnswerSchema, presentDecision } from '../../../shared/tracking/present-decision.ts';
import { answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { type Caller, defineRoute, noParameters, type Route, roles } from '../route.ts';

const tag = 'Decisions';

/**
 * Keys belong to no mailbox, so all untracked mail is another's to them. Only an administrator may be given sight of
 * its subjects, by a setting; the lesser roles never see more than an administrator does.
 */
const sightOf = (caller: Caller, organization: Organization) => ({
  seesUntrackedSubjects:
    caller.type === 'key' && caller.role === 'admin' && organization.settings.tracking.adminsSeeSubjects,
});

export const decisionsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/decisions',
    summary: 'Lists why messages were tracked or not, newest first',
    tag,
    access: roles,
    answers: { 200: pageSchema(decisionAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      mailboxId: z.string().max(250).optional(),
      messageId: z.string().max(1000).optional(),
      outcome: decisionSchema.shape.outcome.optional(),
      from: instantSchema.optional().meta({ description: 'Decided at or after.' }),
      to: instantSchema.optional().meta({ description: 'Decided before.' }),
    }),
    bodySchema: null,
    handle: async ({ services, organization, caller, query: { limit, cursor, ...filters } }) => {
      const { mailboxId, messageId, outcome, from, to } = filters;
      const sight = sightOf(caller, organization);
      return {
        status: 200,
        body: await listEntities({
          store: services.store,
          kind: decisionKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters,
          matches: (decision: Decision) =>
            (messageId === undefined || decision.messageId === messageId) &&
            (outcome === undefined || decision.outcome === outcome) &&
            (from === undefined || decision.decidedAt >= from) &&
            (to === undefined || decision.decidedAt < to),
          present: (decision: Decision) => presentDecision(decision, sight),
          now: services.now(),
          ...(mailboxId === undefined
            ? {}
            : {
                index: {
                  name: 'byMailbox' as const,
                  key: `${partition(organization.id, decisionKind.kind)}#${mailboxId}`,
                },
              }),
        }),
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/decisions/{decisionId}',
    summary: 'Reads why a message was tracked or not, step by step',
    tag,
    access: roles,
    answers: { 200: decisionAnswerSchema },
    pathSchema: z.strictObject({ decisionId: z.string() }),
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services: { store }, organization, caller, path }) => {
      const { kind, prefix } = decisionKind;
      const id = await resolveIdentifier(store, organization.id, kind, prefix, path.decisionId);
      const decision = await store.get(decisionKind, organization.id, id);
      if (decision === undefined) throw new FaultError('notFound');
      return answerResource(presentDecision(decision, sightOf(caller, organization)));
    },
  }),
];
