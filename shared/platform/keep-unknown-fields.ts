/**
 * While two releases run side by side, and after a roll back, an item may hold fields that this release does not know.
 * Reading leaves them out; whoever writes the item whole must not take them away.
 */

type Fields = Readonly<Record<string, unknown>>;

const storedForms = new WeakMap<object, unknown>();

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const fieldOf = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

/** Asks for own fields only, as one may have the name of what every object has (`constructor`, `__proto__`). */
const merge = (stored: Fields, read: Fields, next: Fields): Fields => {
  const kept = Object.entries(stored).flatMap(([name, value]): [string, unknown][] => {
    const [before, after] = [fieldOf(read, name), fieldOf(next, name)];
    if (!Object.hasOwn(read, name) && !Object.hasOwn(next, name)) return [[name, value]];
    return isFields(value) && isFields(before) && isFields(after) ? [[name, merge(value, before, after)]] : [];
  });
  return Object.fromEntries([...Object.entries(next), ...kept]);
};

/** Remembers in which form it was stored what was read from it. Returns what was read. */
export const rememberStored = <Read extends object>(read: Read, stored: unknown): Read => {
  storedForms.set(read, stored);
  return read;
};

/**
 * What is to be stored in the place of what was read: with the fields of the stored form, inner ones included, that
 * reading has left out. Those of list entries go with their entries.
 */
export const keepUnknownFields = <Next extends object>(read: object | undefined, next: Next): Next => {
  const stored = read === undefined ? undefined : storedForms.get(read);
  return isFields(stored) && isFields(read) && isFields(next) ? (merge(stored, read, next) as Next) : next;
};
