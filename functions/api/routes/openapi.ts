import * as z from 'zod';
import { createOpenApi } from '../reference/openapi.ts';
import { defineOpenRoute, noParameters, type Route } from '../route.ts';

/** The route that describes all routes, itself included. */
export const createOpenApiRoutes = (loadRoutes: () => Promise<readonly Route[]>): readonly Route[] => {
  // Made at the first request for it and kept: it cannot change while the function lives.
  let document: Record<string, unknown> | undefined;
  return [
    defineOpenRoute({
      method: 'GET',
      path: '/openapi.json',
      summary: 'Describes this API as OpenAPI 3.1',
      tag: 'Hub',
      answers: { 200: z.record(z.string(), z.unknown()) },
      pathSchema: noParameters,
      querySchema: noParameters,
      handle: async ({ services }) => {
        document ??= createOpenApi(await loadRoutes(), services.version);
        return { status: 200, body: document };
      },
    }),
  ];
};
