import { requireMailbox } from '../../../shared/mailbox/mailbox-context.ts';
import { describeSchedule, mailboxScheduleSchema } from '../../../shared/mailbox/mailbox-schedule.ts';
import { readSchedule } from '../../../shared/mailbox/read-schedule.ts';
import { mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { defineRoute, noParameters, type Route, rolesAndUsers } from '../route.ts';

export const mailboxScheduleRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/mailboxes/{mailboxId}/schedule',
    summary: 'Tells when a mailbox runs next and how it fares',
    tag: 'Mailboxes',
    access: rolesAndUsers,
    answers: { 200: mailboxScheduleSchema },
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      const schedule = { ...services, organization };
      const mailbox = await requireMailbox(schedule, await resolveMailboxId(context));
      return { status: 200, body: describeSchedule(await readSchedule(schedule, mailbox)) };
    },
  }),
];
