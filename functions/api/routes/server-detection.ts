import * as z from 'zod';
import { addressSchema } from '../../../shared/platform/address.ts';
import { detectServers } from '../../../shared/server-detection/detect-servers.ts';
import { serverSuggestionSchema } from '../../../shared/server-detection/server-suggestion.ts';
import { createDialledFetch } from '../../../shared/transport/http/dialled-fetch.ts';
import { pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route } from '../route.ts';

const answerSeconds = 4;
const documentBytes = 64 * 1024;

export const serverDetectionRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/server-profiles/detect',
    summary: 'Suggests servers for an address: what its domain publishes, then what is known of its provider',
    tag: 'Server profiles',
    access: ['admin'],
    answers: { 200: pageSchema(serverSuggestionSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({ emailAddress: addressSchema }),
    bodySchema: null,
    handle: async ({ services: { names, dialler }, query }) => {
      const limits = { caCertificates: null, timeoutSeconds: answerSeconds, limitBytes: documentBytes };
      const fetch = createDialledFetch({ dialler, ...limits });
      const data = await detectServers({ names, dialler, fetch }, query.emailAddress);
      return { status: 200, body: { data, nextCursor: null } };
    },
  }),
];
