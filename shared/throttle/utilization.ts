import * as z from 'zod';

/**
 * How busy the places of a counter are, measured in windows; part of the counter's item, so that it costs no request.
 * Who died holding a place is not counted.
 */
export const utilizationShape = {
  /** Milliseconds for which places were held by those who have given them back since `heldSince`. */
  held: z.number().optional(),
  /** When the present window began (epoch milliseconds). */
  heldSince: z.number().optional(),
  /** The factor by which intervals are stretched; absent is 1. */
  stretch: z.number().optional(),
  /** Windows in a row in which the places did not suffice. */
  crowdedWindows: z.number().int().optional(),
  /** What the last window's utilization would have been if nothing had been stretched. */
  demand: z.number().optional(),
};
export type Utilization = z.output<z.ZodObject<typeof utilizationShape>>;

/** What a window that is over came to. */
export interface ConcludedWindow {
  /** The window, as its counter had it when it was seen to be over. */
  readonly since: number;
  readonly held: number;
  /** When it ended and the next one began. */
  readonly until: number;
  /** Held time against what the places could have given, 0 to about 1. */
  readonly utilization: number;
  /** What the utilization would be if nothing were stretched. */
  readonly demand: number;
  readonly stretch: number;
  readonly crowdedWindows: number;
  readonly wasCrowdedWindows: number;
}

const windowMilliseconds = 600_000;
/** Above it, waiting times grow out of proportion. */
const crowdedAbove = 0.8;
const relievedBelow = 0.7;
/** What stretching aims at: between the two, so that the factor comes to rest. */
const aim = 0.75;
const mostStretch = 6;
const roomyUtilization = 2 / 3;

const nextStretch = (utilization: number, stretch: number): number => {
  if (utilization <= crowdedAbove && utilization >= relievedBelow) return stretch;
  return Math.min(mostStretch, Math.max(1, (stretch * utilization) / aim));
};

const toHundredths = (value: number): number => Math.round(value * 100) / 100;

/** Concludes the window of a counter with so many places for reading; undefined while it is not over. */
export const concludeWindow = (item: Utilization, places: number, now: number): ConcludedWindow | undefined => {
  const { held = 0, heldSince, stretch = 1, crowdedWindows = 0 } = item;
  if (heldSince === undefined || now - heldSince < windowMilliseconds) return undefined;
  const utilization = held / ((now - heldSince) * Math.max(1, places));
  const next = utilization > crowdedAbove || stretch > 1 ? nextStretch(utilization, stretch) : 1;
  return {
    since: heldSince,
    held,
    until: now,
    utilization,
    demand: toHundredths(utilization * stretch),
    stretch: toHundredths(next),
    crowdedWindows: next > 1 ? crowdedWindows + 1 : 0,
    wasCrowdedWindows: crowdedWindows,
  };
};

/** A shortage of less than half an hour (the first reading of many mailboxes) is not worth a person's time. */
const lastingWindows = 3;

export const isLasting = ({ crowdedWindows }: Pick<ConcludedWindow, 'crowdedWindows'>): boolean =>
  crowdedWindows >= lastingWindows;

/** The demand that a counter has now; 0 where nobody has measured it for long. */
export const presentDemand = ({ demand = 0, heldSince = 0 }: Utilization, now: number): number =>
  now - heldSince < lastingWindows * windowMilliseconds ? demand : 0;

/** The limit of the whole profile at which its servers would be used by two thirds. */
export const neededConnections = (maxConnections: number, demand: number): number =>
  Math.max(maxConnections + 1, Math.ceil((maxConnections * demand) / roomyUtilization));
