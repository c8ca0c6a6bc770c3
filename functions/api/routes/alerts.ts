import * as z from 'zod';
import { actOnAlert } from '../../../shared/alert/act-on-alert.ts';
import { type Alert, alertActionSchema, alertKind, alertSchema } from '../../../shared/alert/alert.ts';
import { isShownToUser } from '../../../shared/alert/alerts-for-user.ts';
import { alertFilterSchema, clearAlerts, clearedSchema } from '../../../shared/alert/clear-alerts.ts';
import { performAction } from '../../../shared/alert/perform-action.ts';
import { alertAnswerSchema, presentAlert } from '../../../shared/alert/present-alert.ts';
import { clearAlertById } from '../../../shared/alert/raise-alert.ts';
import { emailWithBodyAnswerSchema } from '../../../shared/email/present-email.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerOperation, answerResource } from '../answers.ts';
import { showEmailNow } from '../email-request.ts';
import { mailboxContextOf } from '../mailbox-request.ts';
import { limitedTo, type Ownership, ownershipOf, requireOwn } from '../ownership.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { redirectUriOf } from '../redirect-uri.ts';
import {
  defineRoute,
  noParameters,
  type OrganizationContext,
  type Route,
  rolesAndUsers,
  writersAndUsers,
} from '../route.ts';
import { authorizationSchema, connectionContextOf } from './mailbox-oauth.ts';

const tag = 'Alerts';
const pathSchema = z.strictObject({ alertId: z.string() });

type AlertContext = OrganizationContext<z.output<typeof pathSchema>, unknown, unknown>;

const isShownTo =
  ({ settings }: Organization) =>
  ({ mailboxId }: Ownership, alert: Alert): boolean =>
    isShownToUser(alert, settings, mailboxId);

/** @throws FaultError notFound */
const requireAlert = async ({ services: { store }, organization, caller, path }: AlertContext): Promise<Alert> => {
  const id = await resolveIdentifier(store, organization.id, alertKind.kind, alertKind.prefix, path.alertId);
  const alert = await store.get(alertKind, organization.id, id);
  if (alert === undefined) throw new FaultError('notFound');
  requireOwn(caller, (ownership) => isShownTo(organization)(ownership, alert));
  return alert;
};

export const alertsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/alerts',
    summary: 'Lists what people should know, newest first',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(alertAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      level: alertSchema.shape.level.optional(),
      scope: alertSchema.shape.scope.optional(),
      mailboxId: z.string().max(250).optional(),
      status: alertSchema.shape.status.optional(),
    }),
    bodySchema: null,
    handle: async ({ services, organization, caller, query: { limit, cursor, ...filters } }) => {
      const mailboxId = filters.mailboxId ?? ownershipOf(caller)?.mailboxId;
      return {
        status: 200,
        body: await listEntities({
          store: services.store,
          kind: alertKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters,
          matches: limitedTo(
            caller,
            isShownTo(organization),
            (alert: Alert) =>
              (filters.level ?? alert.level) === alert.level &&
              (filters.scope ?? alert.scope) === alert.scope &&
              (filters.status ?? alert.status) === alert.status,
          ),
          present: presentAlert,
          now: services.now(),
          ...(mailboxId === undefined
            ? {}
            : {
                index: {
                  name: 'byMailbox' as const,
                  key: `${partition(organization.id, alertKind.kind)}#${mailboxId}`,
                },
              }),
        }),
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/alerts/{alertId}',
    summary: 'Reads an alert',
    tag,
    access: rolesAndUsers,
    answers: { 200: alertAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => answerResource(presentAlert(await requireAlert(context))),
  }),
  defineRoute({
    method: 'POST',
    path: '/alerts/{alertId}/act',
    summary: 'Does what an alert offers: 202 with the operation or the email, 200 with where to sign in',
    tag,
    access: writersAndUsers,
    answers: { 200: authorizationSchema, 202: z.union([operationAnswerSchema, emailWithBodyAnswerSchema]) },
    problems: [
      'alreadyAnswered',
      'invalidState',
      'workloadNotEnabled',
      'ownerInactive',
      'channelIsEmailRouter',
      'approvalRequired',
      'testRunning',
      'mailboxAlreadyMapped',
      'notSupported',
      'returnUrlNotAllowed',
      'unavailable',
    ],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({
      action: alertActionSchema.meta({ description: 'One of the actions of the alert.' }),
      returnUrl: z.string().min(1).max(2000).optional().meta({
        description:
          'For reconnect: where the browser goes at the end; without it the first of settings.oauth.allowedReturnUrls.',
      }),
    }),
    handle: async (context) => {
      const { services, organization, author, body, ifMatch } = context;
      const acting = {
        ...connectionContextOf(context),
        ...mailboxContextOf(context),
        throttle: services.throttle,
        accept: services,
        redirectUri: redirectUriOf(services.hubUrl),
        returnUrl: body.returnUrl,
      };
      const outcome = await actOnAlert(
        {
          store: services.store,
          organizationId: organization.id,
          author,
          now: services.now,
          perform: (alert, action) => performAction(acting, alert, action),
        },
        (await requireAlert(context)).id,
        body.action,
        ifMatch,
      );
      if ('signIn' in outcome) return { status: 200, body: outcome.signIn };
      if ('operation' in outcome) return answerOperation(presentOperation(outcome.operation));
      return answerResource(
        await showEmailNow({ ...context, path: { emailId: outcome.email.id } }, outcome.email),
        202,
      );
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/alerts/clear',
    summary: 'Clears the open alerts that fit, newest first, as many as a request has time for',
    tag,
    access: ['admin', 'crm'],
    answers: { 200: clearedSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: z.strictObject({ filter: alertFilterSchema.prefault({}) }),
    handle: async ({ services: { store, now }, organization, author, body }) => ({
      status: 200,
      body: await clearAlerts(store, organization.id, body.filter, { now, author }),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/alerts/{alertId}/clear',
    summary: 'Clears an alert by hand; one that is not open stays as it is',
    tag,
    access: writersAndUsers,
    answers: { 200: alertAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const { organization, author, ifMatch } = context;
      const { store, now } = context.services;
      const { id } = await requireAlert(context);
      return answerResource(
        presentAlert(await clearAlertById(store, organization.id, id, { now: now(), author, ifMatch })),
      );
    },
  }),
];
