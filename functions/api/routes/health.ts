import * as z from 'zod';
import { defineOpenRoute, noParameters, type Route } from '../route.ts';

export const healthRoutes: readonly Route[] = [
  defineOpenRoute({
    method: 'GET',
    path: '/health',
    summary: 'Whether the hub answers, and its version',
    tag: 'Hub',
    answers: { 200: z.object({ status: z.literal('ok'), version: z.string() }) },
    pathSchema: noParameters,
    querySchema: noParameters,
    handle: async ({ services }) => ({ status: 200, body: { status: 'ok', version: services.version } }),
  }),
];
