import * as z from 'zod';

/** A duration. `floor`: the least that production organizations may set; sandboxes may set any. */
export const seconds = (floor: number, ceiling: number, value: number, description: string) =>
  z.int().min(1).max(ceiling).default(value).meta({ description, productionMinimum: floor });
