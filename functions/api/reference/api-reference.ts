import * as z from 'zod';
import { type FaultCode, faultCatalogue } from '../../../shared/platform/fault-catalogue.ts';
import type { Route } from '../route.ts';
import { generalCodes } from './openapi.ts';

type Json = Readonly<Record<string, unknown>>;

const typeOf = (schema: Json): string => {
  const alternatives = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(' or ');
  if (schema['const'] !== undefined) return `\`${String(schema['const'])}\``;
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  if (typeof schema['$ref'] === 'string') return schema['$ref'].replace(/^.*\//, '');
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as Json)}`;
  if (Array.isArray(schema['type'])) return schema['type'].join(' or ');
  return String(schema['type'] ?? 'any');
};

const rangeOf = (schema: Json): string =>
  [
    ...(schema['minimum'] === undefined ? [] : [`from ${String(schema['minimum'])}`]),
    ...(schema['maximum'] === undefined || schema['maximum'] === Number.MAX_SAFE_INTEGER
      ? []
      : [`to ${String(schema['maximum'])}`]),
    ...(schema['maxLength'] === undefined ? [] : [`up to ${String(schema['maxLength'])} characters`]),
    ...(schema['maxItems'] === undefined ? [] : [`up to ${String(schema['maxItems'])} entries`]),
    ...(schema['default'] === undefined || (typeof schema['default'] === 'object' && schema['default'] !== null)
      ? []
      : [`default \`${JSON.stringify(schema['default'])}\``]),
  ].join(', ');

interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Json;
}

const resolveRef = (schema: Json, definitions: Json): Json =>
  typeof schema['$ref'] === 'string' ? ((definitions[schema['$ref'].replace(/^.*\//, '')] ?? {}) as Json) : schema;

/** One object for several that a request may have the form of: each field as it is in any of them. */
const mergeObjects = (objects: readonly Json[]): Json => {
  const names = new Set(objects.flatMap(({ properties }) => Object.keys(properties as Json)));
  const properties = [...names].map((name) => {
    const found = objects.flatMap((object) => (object['properties'] as Readonly<Record<string, Json>>)[name] ?? []);
    const different = [...new Map(found.map((field) => [JSON.stringify(field), field])).values()];
    return [name, different.length === 1 ? different[0] : { anyOf: different }] as const;
  });
  const required = [...names].filter((name) =>
    objects.every((object) => (object['required'] as readonly string[] | undefined)?.includes(name)),
  );
  return { properties: Object.fromEntries(properties), required };
};

/** The object that a schema describes, also where null may stand in its place or others like it. */
const objectOf = (schema: Json, definitions: Json): Json | undefined => {
  const resolved = resolveRef(schema, definitions);
  if (resolved['properties'] !== undefined) return resolved;
  const alternatives = ((resolved['anyOf'] ?? resolved['oneOf'] ?? []) as readonly Json[])
    .filter(({ type }) => type !== 'null')
    .map((alternative) => objectOf(alternative, definitions));
  const objects = alternatives.filter((alternative) => alternative !== undefined);
  if (objects.length < alternatives.length) return undefined;
  return objects.length > 1 ? mergeObjects(objects) : objects[0];
};

const fieldsOf = (schema: Json, definitions: Json, above = '', depth = 0): readonly Field[] => {
  const resolved = objectOf(schema, definitions) ?? {};
  const required = (resolved['required'] ?? []) as readonly string[];
  return Object.entries((resolved['properties'] ?? {}) as Record<string, Json>).flatMap(([name, field]) => {
    const full = `${above}${name}`;
    const inner = depth < 3 ? fieldsOf(field, definitions, `${full}.`, depth + 1) : [];
    return inner.length > 0 ? inner : [{ name: full, required: required.includes(name), schema: field }];
  });
};

const readFields = (schema: z.ZodType, io: 'input' | 'output'): readonly Field[] => {
  const document = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return fieldsOf(document, (document['$defs'] ?? {}) as Json);
};

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

const fieldTable = (title: string, fields: readonly Field[]): string =>
  fields.length === 0
    ? ''
    : [
        row([title, 'Values', '']),
        row(['---', '---', '---']),
        ...fields.map(({ name, required, schema }) =>
          row([
            `\`${name}\`${required ? ' *' : ''}`,
            [typeOf(schema), rangeOf(schema)].filter((text) => text !== '').join('; '),
            typeof schema['description'] === 'string' ? schema['description'] : '',
          ]),
        ),
      ].join('\n');

const describeAccess = ({ access }: Route): string => {
  if (access === 'open') return 'No key needed.';
  return access === 'operator' ? 'Operator key.' : `Roles: ${access.join(', ')}.`;
};

const answersOf = ({ answers, problems = [] }: Route): string => {
  const good = Object.entries(answers).map(([status, schema]) => {
    const names = schema === null ? [] : readFields(schema, 'output').map(({ name }) => name);
    const fields = [...new Set(names.map((name) => name.replace(/\..*$/, '')))];
    return fields.length === 0 ? status : `${status} (${fields.map((name) => `\`${name}\``).join(', ')})`;
  });
  return [
    `Answers ${good.join(', ')}.`,
    ...(problems.length === 0 ? [] : [`Problems: ${problems.map((code) => `\`${code}\``).join(', ')}.`]),
  ].join(' ');
};

const describeRoute = (route: Route): string =>
  [
    `### ${route.method} /v1${route.path}`,
    `${route.summary}. ${describeAccess(route)} ${answersOf(route)}`,
    fieldTable('Query', readFields(route.querySchema, 'input')),
    route.bodySchema === null ? '' : fieldTable('Body', readFields(route.bodySchema, 'input')),
  ]
    .filter((part) => part !== '')
    .join('\n\n');

const problemTable = (): string =>
  [
    row(['Code', 'Status', 'What it means', 'What to do', 'Who acts']),
    row(['---', '---', '---', '---', '---']),
    ...Object.entries(faultCatalogue).map(([code, { status, title, fix, whoActs }]) =>
      row([`\`${code}\``, status === undefined ? '' : String(status), title, fix, whoActs]),
    ),
  ].join('\n');

const listCodes = (codes: Iterable<FaultCode>): string => [...new Set(codes)].map((code) => `\`${code}\``).join(', ');

const pathNote =
  'Whatever has an externalId is named in a path by its id or by `ext:<externalId>`, percent-encoded. **An externalId with `%`, `?` or `/` goes as `ext64:<externalId in Base64url>`**: AWS decodes paths before the hub sees them, refuses some with `%`, and cuts them off at an encoded `?`, so that `ext:a%3Fb` would be taken for `ext:a`.';

/** The routes and the codes of the API as a page for people. */
export const createApiReference = (routes: readonly Route[]): string => {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  return [
    '# API reference',
    'Made from the route table (`npm run docs`); do not edit. The same as OpenAPI 3.1: `GET /v1/openapi.json`. A star marks what must be sent.',
    pathNote,
    `Besides what is named at a route, any may answer with ${listCodes(routes.flatMap(generalCodes))}.`,
    ...tags.map((tag) => [`## ${tag}`, ...routes.filter((route) => route.tag === tag).map(describeRoute)].join('\n\n')),
    `## Codes\n\nA code without a status does not answer a request: it stands in the results of operations, in alerts, deliveries and decisions. Each has a page at \`/problems/{code}\`.\n\n${problemTable()}`,
  ]
    .join('\n\n')
    .concat('\n');
};
