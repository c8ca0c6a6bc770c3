import * as z from 'zod';
import {
  cycleLogAnswerSchema,
  cycleLogKind,
  cycleLogRange,
  presentCycleLogEntry,
} from '../../../shared/mailbox/cycle-log.ts';
import { gatherDiagnostics } from '../../../shared/mailbox/diagnostics.ts';
import { diagnosticsSchema } from '../../../shared/mailbox/diagnostics-schema.ts';
import { requireMailbox } from '../../../shared/mailbox/mailbox-context.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, rolesAndUsers } from '../route.ts';

const common = { method: 'GET', tag: 'Mailboxes', access: rolesAndUsers, pathSchema: mailboxPathSchema } as const;

export const mailboxSupportRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/log',
    summary: 'Lists the cycles of the last seven days that did something or failed, newest first',
    answers: { 200: pageSchema(cycleLogAnswerSchema) },
    querySchema: z.strictObject({ ...pageQueryShape, from: instantSchema.optional() }),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, query } = context;
      const { id } = await requireMailbox({ store: services.store, organization }, await resolveMailboxId(context));
      const { limit, cursor, from } = query;
      return {
        status: 200,
        body: await listEntities({
          store: services.store,
          kind: cycleLogKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters: { mailboxId: id, from },
          present: presentCycleLogEntry,
          now: services.now(),
          ...cycleLogRange(id, from, services.now()),
        }),
      };
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/diagnostics',
    summary: 'Gathers for support what the hub knows of a mailbox, without addresses, subjects and secrets',
    answers: { 200: diagnosticsSchema },
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      const gathering = { ...services, organization };
      const mailbox = await requireMailbox(gathering, await resolveMailboxId(context));
      return { status: 200, body: await gatherDiagnostics(gathering, mailbox) };
    },
  }),
];
