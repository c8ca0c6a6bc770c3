import * as z from 'zod';
import { settingsSchema } from './settings.ts';

/** One setting: a leaf of the tree, with what its schema says about it. */
export interface SettingField {
  /** e.g. `['schedule', 'retry', 'seconds']` */
  readonly path: readonly string[];
  readonly description: string;
  readonly dynamics365Name: string | undefined;
  /** The least value outside a sandbox. */
  readonly productionMinimum: number | undefined;
  readonly schema: z.ZodType;
}

const withoutDefault = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? withoutDefault(schema.def.innerType) : schema;

const collectFields = (schema: z.core.$ZodType, path: readonly string[]): readonly SettingField[] => {
  const bare = withoutDefault(schema);
  if (bare instanceof z.ZodObject)
    return Object.entries(bare.shape).flatMap(([name, field]) => collectFields(field as z.ZodType, [...path, name]));
  const meta = z.globalRegistry.get(schema) ?? {};
  const { description, dynamics365Name, productionMinimum } = meta;
  return [
    {
      path,
      description: description ?? '',
      dynamics365Name: typeof dynamics365Name === 'string' ? dynamics365Name : undefined,
      productionMinimum: typeof productionMinimum === 'number' ? productionMinimum : undefined,
      schema: schema as z.ZodType,
    },
  ];
};

/** Every setting, in the order of the schema. */
export const settingFields: readonly SettingField[] = collectFields(settingsSchema, []);

/** The value of a setting in a tree. */
export const settingValue = (settings: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined,
    settings,
  );
