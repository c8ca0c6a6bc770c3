import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What opens something, or would help to. */
const secretNames: ReadonlySet<string> = new Set([
  'hash',
  'secretSalt',
  'password',
  'clientSecret',
  'secret',
  'secrets',
]);
/** What changes with everything, or is a figure and no act. */
const figureNames: ReadonlySet<string> = new Set([
  'version',
  'createdAt',
  'updatedAt',
  'settingsVersion',
  'lastUsedAt',
  'throttle',
  'runningTest',
]);

const setAtOf = (value: unknown): string | null =>
  isFields(value) && typeof value['setAt'] === 'string' ? value['setAt'] : null;

const withoutSecrets = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !figureNames.has(name))
      .flatMap(([name, field]) => {
        if (!secretNames.has(name)) return [[name, withoutSecrets(field)]];
        // Of a secret it is told whether there is one, and since when.
        return field == null || typeof field === 'object'
          ? [[name, { isSet: field != null, setAt: setAtOf(field) }]]
          : [];
      }),
  );
};

const parts = (before: Fields, after: Fields): { readonly before: Fields; readonly after: Fields } => {
  const was: Record<string, unknown> = {};
  const is: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, other] = [before[name], after[name]];
    if (isDeepStrictEqual(one, other)) continue;
    if (isFields(one) && isFields(other)) {
      const inner = parts(one, other);
      was[name] = inner.before;
      is[name] = inner.after;
    } else {
      if (one !== undefined) was[name] = one;
      if (other !== undefined) is[name] = other;
    }
  }
  return { before: was, after: is };
};

/** What two forms of a resource do not have in common, without secrets; null where there is no such form. */
export const differenceOf = (
  before: object | null,
  after: object | null,
): { readonly before: Fields | null; readonly after: Fields | null } => {
  const [was, is] = [before, after].map((form) => {
    if (form === null) return null;
    const { id: _id, ...fields } = withoutSecrets(form) as Fields;
    return fields;
  });
  return was == null || is == null ? { before: was ?? null, after: is ?? null } : parts(was, is);
};
