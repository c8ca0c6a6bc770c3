import * as z from 'zod';

/** What a PATCH may say about `T`: any of its fields, null to reset one to its default. Arrays are replaced whole. */
export type MergePatch<T> =
  T extends ReadonlyArray<unknown>
    ? T
    : T extends Readonly<Record<string, unknown>>
      ? { readonly [Name in keyof T]?: MergePatch<T[Name]> | null }
      : T;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * JSON Merge Patch (RFC 7396): the target with the patch applied; a null in the patch removes the field. Neither is
 * changed. Parse the outcome with the schema of the whole resource: it fills what was removed with its default, and
 * refuses it where there is none.
 */
export const applyMergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const base = isObject(target) ? target : {};
  const kept = Object.entries(base).filter(([name]) => !Object.hasOwn(patch, name));
  const set = Object.entries(patch)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, applyMergePatch(Object.hasOwn(base, name) ? base[name] : undefined, value)]);
  return Object.fromEntries([...kept, ...set]);
};

const withoutDefault = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault ||
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodNullable
    ? withoutDefault(schema.def.innerType)
    : schema;

const patchFieldOf = (schema: z.core.$ZodType): z.ZodType => {
  const bare = withoutDefault(schema);
  const field = bare instanceof z.ZodObject ? patchSchemaOf(bare) : (bare as z.ZodType);
  const meta = z.globalRegistry.get(schema);
  const patch = field.nullish();
  return meta === undefined ? patch : patch.meta(meta);
};

/**
 * The schema of a PATCH body, made from the schema of the whole resource: every field may be absent, null resets it,
 * objects are patched field by field, and unknown fields are refused at every level. It fills no defaults, so the
 * outcome holds exactly what the caller sent. Checks that span fields are left to the schema of the whole.
 */
export const patchSchemaOf = <Schema extends z.ZodObject>(schema: Schema): z.ZodType<MergePatch<z.input<Schema>>> =>
  z.strictObject(
    Object.fromEntries(Object.entries(schema.shape).map(([name, field]) => [name, patchFieldOf(field)])),
  ) as unknown as z.ZodType<MergePatch<z.input<Schema>>>;
