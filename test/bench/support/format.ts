export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

export const decimals = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** With three significant digits. */
export const brief = (value: number): string =>
  value >= 100 ? whole(value) : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

export const seconds = (value: number): string => `${brief(value)} s`;
export const dollars = (value: number): string => `$${decimals(value, value < 0.001 ? 6 : 4)}`;
export const times = (value: number): string => `${brief(value)}×`;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
};
