/** The clock of a process, which the harness sets forward. */
export interface ShiftedClock {
  /** Sets the clock; timers that have come due by it fire at once, the others keep what was left of their time. */
  readonly set: (aheadMilliseconds: number) => void;
}

interface PendingTimer {
  readonly callback: (...args: unknown[]) => void;
  readonly args: readonly unknown[];
  readonly due: number;
  current: NodeJS.Timeout;
}

/** Shorter timers end soon enough by themselves. */
const shortestTracked = 500;

/**
 * Puts a clock in the place of `Date`, `setTimeout` and `clearTimeout` of this process: leases, retries and time limits
 * of a function then run out when the harness says so. Timers of Node itself (sockets) keep the machine's time.
 */
export const shiftClock = (): ShiftedClock => {
  const RealDate = Date;
  const realNow = Date.now.bind(Date);
  const realSetTimeout = setTimeout;
  const realClearTimeout = clearTimeout;
  const pending = new Map<unknown, PendingTimer>();
  let ahead = 0;
  const now = (): number => realNow() + ahead;

  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, property, receiver) => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });

  const arm = (handle: NodeJS.Timeout | undefined, timer: Omit<PendingTimer, 'current'>): NodeJS.Timeout => {
    const current = realSetTimeout(
      () => {
        pending.delete(handle ?? current);
        timer.callback(...timer.args);
      },
      Math.max(0, timer.due - now()),
    );
    pending.set(handle ?? current, { ...timer, current });
    return current;
  };

  const shifted = (callback: (...args: unknown[]) => void, delay = 0, ...args: unknown[]): NodeJS.Timeout =>
    delay < shortestTracked
      ? realSetTimeout(callback, delay, ...args)
      : arm(undefined, { callback, args, due: now() + delay });
  globalThis.setTimeout = Object.assign(shifted, realSetTimeout) as typeof setTimeout;
  globalThis.clearTimeout = (handle) => {
    const timer = pending.get(handle);
    if (timer !== undefined) realClearTimeout(timer.current);
    pending.delete(handle);
    realClearTimeout(handle);
  };

  return {
    set: (aheadMilliseconds) => {
      const jumped = aheadMilliseconds - ahead;
      ahead = aheadMilliseconds;
      if (jumped < shortestTracked) return;
      const timers = [...pending].sort(([, one], [, other]) => one.due - other.due);
      for (const [handle, timer] of timers) {
        realClearTimeout(timer.current);
        const keepsAlive = (handle as NodeJS.Timeout).hasRef();
        const current = arm(handle as NodeJS.Timeout, timer);
        if (!keepsAlive) current.unref();
      }
    },
  };
};
