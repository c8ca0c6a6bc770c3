import * as z from 'zod';
import { settingFields } from '../../../shared/organization/setting-fields.ts';

type Json = Readonly<Record<string, unknown>>;

const typeOf = (schema: Json): string => {
  if (Array.isArray(schema['anyOf'])) return (schema['anyOf'] as Json[]).map(typeOf).join(' or ');
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as Json)}`;
  if (Array.isArray(schema['type'])) return schema['type'].join(' or ');
  return String(schema['type'] ?? 'any');
};

const rangeOf = (schema: Json, productionMinimum: number | undefined): string => {
  const bounds = [
    ...(schema['minimum'] === undefined ? [] : [`from ${String(schema['minimum'])}`]),
    ...(productionMinimum === undefined ? [] : [`from ${productionMinimum} outside a sandbox`]),
    ...(schema['maximum'] === undefined ? [] : [`to ${String(schema['maximum'])}`]),
    ...(schema['maxLength'] === undefined ? [] : [`up to ${String(schema['maxLength'])} characters`]),
    ...(schema['maxItems'] === undefined ? [] : [`up to ${String(schema['maxItems'])} entries`]),
  ];
  return bounds.join(', ');
};

const defaultOf = (value: unknown): string => {
  if (Array.isArray(value) && value.length > 6) return `${value.length} entries, see below`;
  return `\`${JSON.stringify(value)}\``;
};

const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** The settings of an organization as a page for people. */
export const createSettingsReference = (): string => {
  const fields = settingFields.map((field) => ({
    ...field,
    json: z.toJSONSchema(field.schema, { io: 'input' }) as Json,
  }));
  const groups = [...new Set(fields.map(({ path }) => path[0] ?? ''))];
  const table = (group: string): string =>
    [
      row(['Setting', 'Values', 'Default', 'What it does', 'Dynamics 365']),
      row(['---', '---', '---', '---', '---']),
      ...fields
        .filter(({ path }) => path[0] === group)
        .map(({ path, json, description, dynamics365Name, productionMinimum }) =>
          row([
            `\`${path.slice(1).join('.')}\``,
            [typeOf(json), rangeOf(json, productionMinimum)].filter((text) => text !== '').join('; '),
            defaultOf(json['default']),
            description,
            dynamics365Name ?? '',
          ]),
        ),
    ].join('\n');
  const long = fields.filter(({ json }) => Array.isArray(json['default']) && json['default'].length > 6);
  return [
    '# Settings of an organization',
    'Made from the schema (`npm run docs`); do not edit. Read and changed at `/v1/settings`, described for programs at `/v1/settings/schema`.',
    ...groups.map((group) => `## ${group}\n\n${table(group)}`),
    ...long.map(
      ({ path, json }) =>
        `## Default of ${path.join('.')}\n\n${(json['default'] as string[]).map((entry) => `\`${entry}\``).join(' ')}`,
    ),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
};
