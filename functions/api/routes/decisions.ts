import * as z from 'zod';
import { withBrackets } from '../../../shared/email/message-identity.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import { isExpired } from '../../../shared/platform/expiry.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { type Decision, decisionKind, decisionSchema } from '../../../shared/tracking/decision.ts';
import { explainDecision } from '../../../shared/tracking/explain-decision.ts';
import { decisionAnswerSchema, presentDecision } from '../../../shared/tracking/present-decision.ts';
import { trackDecided, trackDecisionInputSchema } from '../../../shared/tracking/promote-message.ts';
import { answerOperation, answerResource } from '../answers.ts';
import { mailboxContextOf } from '../mailbox-request.ts';
import { isAdministrator, limitedTo, type Ownership, ownershipOf, requireOwn } from '../ownership.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import {
  type Caller,
  defineRoute,
  noParameters,
  type OrganizationContext,
  type Route,
  rolesAndUsers,
  writersAndUsers,
} from '../route.ts';

const tag = 'Decisions';

/**
 * Whoever is signed in sees the subjects of his own mail. Keys belong to no mailbox, so all untracked mail is another's
 * to them. Only an administrator may be given sight of its subjects, by a setting; the lesser roles never see more than
 * an administrator does.
 */
const sightOf = (caller: Caller, organization: Organization, { mailboxId }: Decision) => ({
  seesUntrackedSubjects:
    (caller.type === 'session' && caller.mailboxId === mailboxId) ||
    (isAdministrator(caller) && organization.settings.tracking.adminsSeeSubjects),
});

const isOwn = (ownership: Ownership, { mailboxId }: Decision): boolean => mailboxId === ownership.mailboxId;

const decisionPathSchema = z.strictObject({ decisionId: z.string() });

const requireDecision = async ({
  services: { store, now },
  organization,
  caller,
  path,
  ifMatch,
}: OrganizationContext<z.output<typeof decisionPathSchema>, unknown, unknown>): Promise<Decision> => {
  const { kind, prefix } = decisionKind;
  const id = await resolveIdentifier(store, organization.id, kind, prefix, path.decisionId);
  const decision = await store.get(decisionKind, organization.id, id);
  if (decision === undefined || isExpired(decision, now())) throw new FaultError('notFound');
  requireOwn(caller, (ownership) => isOwn(ownership, decision));
  if (ifMatch !== undefined && ifMatch !== decision.version) throw new FaultError('versionMismatch');
  return decision;
};

export const decisionsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/decisions',
    summary: 'Lists why messages were tracked or not, newest first',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(decisionAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      mailboxId: z.string().max(250).optional(),
      messageId: z.string().max(1000).optional().meta({ description: 'The angle brackets may be left out.' }),
      outcome: decisionSchema.shape.outcome.optional(),
      from: instantSchema.optional().meta({ description: 'Decided at or after.' }),
      to: instantSchema.optional().meta({ description: 'Decided before.' }),
    }),
    bodySchema: null,
    handle: async ({ services, organization, caller, query: { limit, cursor, ...filters } }) => {
      const { messageId, outcome, from, to } = filters;
      const mailboxId = filters.mailboxId ?? ownershipOf(caller)?.mailboxId;
      return {
        status: 200,
        body: await listEntities({
          store: services.store,
          kind: decisionKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters,
          matches: limitedTo(
            caller,
            isOwn,
            (decision: Decision) =>
              (messageId === undefined || decision.messageId === withBrackets(messageId)) &&
              (outcome === undefined || decision.outcome === outcome) &&
              (from === undefined || decision.decidedAt >= from) &&
              (to === undefined || decision.decidedAt < to),
          ),
          present: (decision: Decision) => presentDecision(decision, sightOf(caller, organization, decision)),
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
    access: rolesAndUsers,
    answers: { 200: decisionAnswerSchema },
    pathSchema: decisionPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const decision = await requireDecision(context);
      return answerResource(presentDecision(decision, sightOf(context.caller, context.organization, decision)));
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/decisions/{decisionId}/track',
    summary: 'Has the message tracked whatever was decided',
    tag,
    access: writersAndUsers,
    answers: { 202: operationAnswerSchema },
    problems: ['ownerInactive', 'channelIsEmailRouter', 'invalidState'],
    pathSchema: decisionPathSchema,
    querySchema: noParameters,
    bodySchema: trackDecisionInputSchema,
    handle: async (context) => {
      const { services, body, identifierFor } = context;
      const decision = await requireDecision(context);
      const promoting = { ...mailboxContextOf(context), content: services.content };
      const options = { operationId: identifierFor('opn') };
      return answerOperation(presentOperation(await trackDecided(promoting, decision, body.regarding, options)));
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/decisions/{decisionId}/explain',
    summary: "What would be decided by today's settings; nothing changes",
    tag,
    access: writersAndUsers,
    answers: { 200: decisionAnswerSchema },
    problems: ['invalidState', 'unavailable'],
    pathSchema: decisionPathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const { services, organization, caller } = context;
      const explained = await explainDecision({ ...services, organization }, await requireDecision(context));
      return { status: 200, body: presentDecision(explained, sightOf(caller, organization, explained)) };
    },
  }),
];
