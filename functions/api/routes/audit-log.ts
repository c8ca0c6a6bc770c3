import * as z from 'zod';
import {
  type AuditEntry,
  auditAnswerSchema,
  auditEntryKind,
  presentAuditEntry,
} from '../../../shared/audit/audit-entry.ts';
import { identifierAt } from '../../../shared/platform/identifier.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route } from '../route.ts';

const names = ({ actor }: AuditEntry): readonly (string | undefined)[] => [actor.id, actor.userId, actor.type];

export const auditLogRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/audit-log',
    summary: 'Lists who did what to the organization, newest first',
    tag: 'Audit log',
    access: ['admin'],
    answers: { 200: pageSchema(auditAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      actor: z.string().max(100).optional().meta({
        description: 'A key, session, user or operator by its id, or key, session, operator or system for all of them.',
      }),
      action: z.string().max(100).optional().meta({
        description: 'An action, or mailbox.* for all that begin so.',
      }),
      subject: z.string().max(100).optional().meta({ description: 'The id of what was changed.' }),
      from: instantSchema.optional().meta({ description: 'At or after.' }),
      to: instantSchema.optional().meta({ description: 'Before.' }),
    }),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, query: { limit, cursor, ...filters } }) => {
      const { actor, action, subject, from, to } = filters;
      return {
        status: 200,
        body: await listEntities({
          store,
          kind: auditEntryKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters,
          matches: (entry: AuditEntry) =>
            (actor === undefined || names(entry).includes(actor)) &&
            (action === undefined ||
              entry.action === action ||
              (action.endsWith('.*') && entry.action.startsWith(action.slice(0, -1)))) &&
            (subject === undefined || entry.subject.id === subject),
          present: presentAuditEntry,
          now: now(),
          ...(from === undefined ? {} : { from: identifierAt('aud', Date.parse(from)) }),
          ...(to === undefined ? {} : { to: identifierAt('aud', Date.parse(to)) }),
        }),
      };
    },
  }),
];
