/**
 * While two releases run side by side, and after a roll back, an item may hold fields that this release does not know.
 * Reading leaves them out; whoever writes the item whole must not take them away.
 */

type Fields = Readonly<Record<string, unknown>>;

const storedForms = new WeakMap<object, unknown>();

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const merge = (stored: Fields, read: Fields, next: Fields): Fields => {
  const kept: Record<string, unknown> = { ...next };
  for (const [name, value] of Object.entries(stored)) {
    const [before, after] = [read[name], next[name]];
    if (!(name in read) && !(name in next)) kept[name] = value;
    else if (isFields(value) && isFields(before) && isFields(after)) kept[name] = merge(value, before, after);
  }
  return kept;
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
