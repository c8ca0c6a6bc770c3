import * as z from 'zod';
import { rejectEvent } from '../../../shared/rejection/reject-event.ts';
import { presentRejection, rejectionAnswerSchema } from '../../../shared/rejection/rejection.ts';
import { defineRoute, noParameters, type Route } from '../route.ts';

export const eventsRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/events/{eventId}/reject',
    summary: 'Refuses a tracked email: it is set aside with this text, and offered again after a while',
    tag: 'Feed',
    access: ['admin', 'crm'],
    answers: { 200: rejectionAnswerSchema },
    problems: ['invalidState'],
    pathSchema: z.strictObject({ eventId: z.string().max(50) }),
    querySchema: noParameters,
    bodySchema: z.strictObject({
      code: z.string().min(1).max(100).meta({ description: "The CRM's own code." }),
      detail: z.string().min(1).max(2000).meta({ description: 'Shown to the owner of the mailbox as it is.' }),
    }),
    handle: async ({ services, organization, path: { eventId }, body: { code, detail } }) => {
      const rejection = await rejectEvent(services, organization, { eventId, code, detail });
      return { status: 200, body: presentRejection(rejection) };
    },
  }),
];
