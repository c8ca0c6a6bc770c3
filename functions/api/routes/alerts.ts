import * as z from 'zod';
import { type Alert, alertKind, alertSchema } from '../../../shared/alert/alert.ts';
import { alertAnswerSchema, presentAlert } from '../../../shared/alert/present-alert.ts';
import { clearAlertById } from '../../../shared/alert/raise-alert.ts';
import type { EntityStore } from '../../../shared/platform/entity-store.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, roles } from '../route.ts';

const tag = 'Alerts';
const pathSchema = z.strictObject({ alertId: z.string() });

const resolve = (store: EntityStore, organizationId: string, text: string): Promise<string> =>
  resolveIdentifier(store, organizationId, alertKind.kind, alertKind.prefix, text);

export const alertsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/alerts',
    summary: 'Lists what people should know, newest first',
    tag,
    access: roles,
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
    handle: async ({ services, organization, query: { limit, cursor, ...filters } }) => ({
      status: 200,
      body: await listEntities({
        store: services.store,
        kind: alertKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters,
        matches: (alert: Alert) =>
          (filters.level ?? alert.level) === alert.level &&
          (filters.scope ?? alert.scope) === alert.scope &&
          (filters.status ?? alert.status) === alert.status,
        present: presentAlert,
        now: services.now(),
        ...(filters.mailboxId === undefined
          ? {}
          : {
              index: {
                name: 'byMailbox' as const,
                key: `${partition(organization.id, alertKind.kind)}#${filters.mailboxId}`,
              },
            }),
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/alerts/{alertId}',
    summary: 'Reads an alert',
    tag,
    access: roles,
    answers: { 200: alertAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services: { store }, organization, path }) => {
      const alert = await store.get(alertKind, organization.id, await resolve(store, organization.id, path.alertId));
      if (alert === undefined) throw new FaultError('notFound');
      return answerResource(presentAlert(alert));
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/alerts/{alertId}/clear',
    summary: 'Clears an alert by hand; one that is not open stays as it is',
    tag,
    access: ['admin', 'crm'],
    answers: { 200: alertAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async ({ services: { store, now }, organization, author, path, ifMatch }) => {
      const id = await resolve(store, organization.id, path.alertId);
      return answerResource(
        presentAlert(await clearAlertById(store, organization.id, id, { now: now(), author, ifMatch })),
      );
    },
  }),
];
