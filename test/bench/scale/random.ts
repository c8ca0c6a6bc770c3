export interface Random {
  /** In [0, 1). */
  uniform(): number;
  exponential(mean: number): number;
  /** Most values near the median, some several times as large. */
  lognormal(median: number, spread: number): number;
  poisson(mean: number): number;
}

/** A generator of its own (xorshift32), so that a seed repeats the whole day. */
export const createRandom = (seed: number): Random => {
  let state = seed | 0 || 1;
  const uniform = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    uniform,
    exponential: (mean) => -Math.log(1 - uniform()) * mean,
    lognormal: (median, spread) => median * Math.exp(spread * normal()),
    poisson: (mean) => {
      const limit = Math.exp(-mean);
      let count = 0;
      for (let product = uniform(); product > limit; product *= uniform()) count += 1;
      return count;
    },
  };
};
