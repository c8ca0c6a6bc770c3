/**
 * The table drops an item some time after its `expiresAt` (epoch seconds), which may be days: until then it is read as
 * ever. Whoever shows what is kept for so many days leaves it out from that instant on.
 */

const expiries = new WeakMap<object, number>();

const expiryOf = (item: Readonly<Record<string, unknown>>): number | undefined =>
  typeof item['expiresAt'] === 'number' ? item['expiresAt'] : undefined;

const isOver = (expiresAt: number | undefined, now: Date): boolean =>
  expiresAt !== undefined && expiresAt * 1000 <= now.getTime();

/** Whether the table may drop the stored item at any moment. */
export const isExpiredItem = (item: Readonly<Record<string, unknown>>, now: Date): boolean =>
  isOver(expiryOf(item), now);

/** Remembers until when the item is kept that something was read from. Returns what was read. */
export const rememberExpiry = <Read extends object>(read: Read, item: Readonly<Record<string, unknown>>): Read => {
  const expiresAt = expiryOf(item);
  if (expiresAt !== undefined) expiries.set(read, expiresAt);
  return read;
};

/** Whether the table may drop at any moment what this was read from. */
export const isExpired = (read: object, now: Date): boolean => isOver(expiries.get(read), now);
