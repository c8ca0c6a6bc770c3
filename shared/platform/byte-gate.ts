/** Lets only so many bytes of large content be in memory at once; whoever comes too late waits its turn. */
export interface ByteGate {
  /** Runs the work once its bytes fit. Content larger than the gate goes alone. */
  pass<Result>(bytes: number, work: () => Promise<Result>): Promise<Result>;
}

export const createByteGate = (capacity: number): ByteGate => {
  let used = 0;
  const waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (used > 0 && used + next.bytes > capacity) return;
      waiting.shift();
      used += next.bytes;
      next.enter();
    }
  };
  return {
    pass: async (bytes, work) => {
      await new Promise<void>((enter) => {
        waiting.push({ bytes, enter });
        admit();
      });
      try {
        return await work();
      } finally {
        used -= bytes;
        admit();
      }
    },
  };
};
