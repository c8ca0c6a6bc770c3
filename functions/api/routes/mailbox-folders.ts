import * as z from 'zod';
import { folderSchema, listFolders } from '../../../shared/mailbox/list-folders.ts';
import { mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { listFound, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, type Route, rolesAndUsers } from '../route.ts';

export const mailboxFoldersRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/mailboxes/{mailboxId}/folders',
    summary: 'Lists the folders that the server has now, by path',
    tag: 'Mailboxes',
    access: rolesAndUsers,
    answers: { 200: pageSchema(folderSchema) },
    problems: ['invalidState', 'unavailable'],
    pathSchema: mailboxPathSchema,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, query } = context;
      const mailboxId = await resolveMailboxId(context);
      return {
        status: 200,
        body: listFound({
          kind: { kind: 'folder' },
          organizationId: organization.id,
          found: await listFolders({ ...services, organization }, mailboxId),
          query,
          filters: { mailboxId },
          present: (folder) => folder,
          now: services.now(),
          ascending: true,
        }),
      };
    },
  }),
];
