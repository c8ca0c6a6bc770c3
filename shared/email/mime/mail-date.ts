const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
// The North American names of RFC 5322 section 4.3, in hours; every other name counts as UTC there.
const zones: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};
const pattern =
  /(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([+-]\d{4}|[a-z]{1,5})?/i;

const yearOf = (digits: string): number => {
  const year = Number(digits);
  if (digits.length > 3) return year;
  // RFC 5322 section 4.3: two digits below 50 are of this century, three digits count from 1900.
  return digits.length === 2 && year < 50 ? 2000 + year : 1900 + year;
};

const offsetMinutes = (zone: string | undefined): number => {
  if (zone === undefined) return 0;
  const sign = zone[0];
  if (sign !== '+' && sign !== '-') return (zones[zone.toUpperCase()] ?? 0) * 60;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  return sign === '-' ? -minutes : minutes;
};

/** The instant of a Date header (RFC 5322 section 3.3, obsolete forms too); null when it cannot be read. */
export const readMailDate = (value: string): Date | null => {
  const match = pattern.exec(value.slice(0, 200));
  const [, day, monthName, year, hour, minute, second, zone] = match ?? [];
  if (day === undefined || monthName === undefined || year === undefined) return null;
  const month = months.indexOf(monthName.toLowerCase());
  if (month === -1 || Number(hour) > 24 || Number(minute) > 59 || Number(day) < 1 || Number(day) > 31) return null;
  const instant =
    Date.UTC(yearOf(year), month, Number(day), Number(hour), Number(minute), Number(second ?? 0)) -
    offsetMinutes(zone) * 60_000;
  return new Date(instant);
};
