import * as z from 'zod';
import { faultSchema } from '../../../shared/platform/fault.ts';
import { type FaultCode, faultCatalogue } from '../../../shared/platform/fault-catalogue.ts';
import type { Route } from '../route.ts';

type Json = Record<string, unknown>;

const problemSchema = faultSchema.extend({
  status: z.number().int(),
  instance: z.string().meta({ description: 'urn:request: and the Request-Id' }),
});

/** Makes schemas of one direction and gathers the named ones as components. */
const createSchemaReader = (components: Json) => {
  const place = (value: unknown, suffix: string): unknown => {
    if (Array.isArray(value)) return value.map((entry) => place(entry, suffix));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== '$schema' && name !== '$defs' && name !== 'id')
        .map(([name, entry]) =>
          name === '$ref' && typeof entry === 'string'
            ? [name, entry.replace('#/$defs/', '#/components/schemas/').concat(suffix)]
            : name === 'properties'
              ? [name, Object.fromEntries(Object.entries(entry as Json).map(([key, one]) => [key, place(one, suffix)]))]
              : [name, place(entry, suffix)],
        ),
    );
  };
  return (schema: z.ZodType, io: 'input' | 'output'): Json => {
    // A named schema differs between the two directions: what has a default may be left out on the way in only.
    const suffix = io === 'input' ? 'Input' : '';
    const document = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as Json;
    for (const [name, definition] of Object.entries((document['$defs'] as Json | undefined) ?? {}))
      components[`${name}${suffix}`] = place(definition, suffix);
    const id = z.globalRegistry.get(schema)?.id;
    if (id === undefined) return place(document, suffix) as Json;
    components[`${id}${suffix}`] = place(document, suffix);
    return { $ref: `#/components/schemas/${id}${suffix}` };
  };
};

const operationIdOf = ({ method, path }: Route): string =>
  [method.toLowerCase(), ...path.split('/').filter((part) => part !== '')]
    .map((part) => (part.startsWith('{') ? `by-${part.slice(1, -1)}` : part))
    .join('-')
    .replace(/-+([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/[^A-Za-z0-9]/g, '');

/** Codes that a route may answer with whatever it does. */
export const generalCodes = ({ access, method, bodySchema, pathSchema }: Route): readonly FaultCode[] => {
  const takesPath = pathSchema instanceof z.ZodObject && Object.keys(pathSchema.shape).length > 0;
  const writes = method !== 'GET';
  return [
    'invalidRequest',
    ...(access === 'open' ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(writes && access !== 'operator' ? (['organizationSuspended'] as const) : []),
    ...(access === 'open' || access === 'operator' ? [] : (['quotaExceeded'] as const)),
    ...(takesPath ? (['notFound'] as const) : []),
    ...(method === 'POST' && access !== 'open' ? (['requestInProgress', 'idempotencyKeyReused'] as const) : []),
    ...(writes ? (['versionMismatch'] as const) : []),
    ...(bodySchema === null ? [] : (['requestTooLarge', 'unsupportedMediaType'] as const)),
    'rateLimited',
    'unavailable',
  ];
};

const isCode = (text: string): text is FaultCode => Object.hasOwn(faultCatalogue, text);

export const codesOf = (route: Route): readonly FaultCode[] => [
  ...generalCodes(route),
  ...(route.problems ?? []).filter(isCode),
];

const describeProblems = (route: Route): Json => {
  const byStatus = new Map<number, FaultCode[]>();
  for (const code of codesOf(route)) {
    const { status } = faultCatalogue[code];
    if (status !== undefined) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${faultCatalogue[code].title}`).join('\n\n'),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
};

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

const describeHeaders = ({ method, access }: Route): readonly Json[] => [
  ...(method === 'GET' ? [] : [header('If-Match', 'The ETag that the resource must still have.')]),
  ...(method === 'PUT' ? [header('If-None-Match', '`*`: create, and never change.')] : []),
  ...(method === 'POST' && access !== 'open'
    ? [header('Idempotency-Key', 'A repeat with the same key gets the first answer, for 24 hours.')]
    : []),
];

const describeAccess = ({ access }: Route): string => {
  if (access === 'open') return 'Needs no key.';
  return access === 'operator' ? 'Operator key.' : `Role ${access.join(', ')}.`;
};

/** The OpenAPI 3.1 document of a route table. */
export const createOpenApi = (routes: readonly Route[], version: string): Json => {
  const components: Json = {};
  const read = createSchemaReader(components);
  components['Problem'] = read(problemSchema, 'output');

  const parametersOf = (schema: z.ZodType, place: 'path' | 'query'): readonly Json[] => {
    const { properties = {}, required = [] } = read(schema, 'input') as { properties?: Json; required?: string[] };
    return Object.entries(properties).map(([name, property]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema: property,
    }));
  };

  const describe = (route: Route): Json => {
    const { summary, tag, bodySchema, answers, access } = route;
    const mediaType = route.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return {
      operationId: operationIdOf(route),
      summary,
      description: describeAccess(route),
      tags: [tag],
      ...(access === 'open' ? { security: [] } : {}),
      parameters: [
        ...parametersOf(route.pathSchema, 'path'),
        ...parametersOf(route.querySchema, 'query'),
        ...describeHeaders(route),
      ],
      ...(bodySchema === null
        ? {}
        : {
            requestBody: {
              required: false,
              content: Object.fromEntries(
                [...new Set(['application/json', mediaType])].map((type) => [
                  type,
                  { schema: read(bodySchema, 'input') },
                ]),
              ),
            },
          }),
      responses: {
        ...Object.fromEntries(
          Object.entries(answers).map(([status, schema]) => [
            status,
            {
              description: summary,
              ...(schema === null ? {} : { content: { 'application/json': { schema: read(schema, 'output') } } }),
            },
          ]),
        ),
        ...describeProblems(route),
      },
    };
  };

  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mailbox Sync hub',
      version,
      description:
        'Server-side synchronization of email for any CRM. In paths, an externalId with %, ? or / goes as ext64:<externalId in Base64url>.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An operator key, an API key or a session.' },
      },
    },
  };
};
