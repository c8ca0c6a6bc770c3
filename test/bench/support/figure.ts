/** One line of the table. `ratio` compares with what stands in `against`, measured in the same run. */
export interface Row {
  readonly what: string;
  readonly value: string;
  readonly against?: string;
  readonly ratio?: string;
  readonly budget?: string;
  /** Whether the budget is kept; absent where there is none. */
  readonly kept?: boolean;
}

/** Says on the error output what is being done. */
export type Progress = (text: string) => void;

/** A figure measures something of the product and a peer or floor of it, in one run. It never fails for being slow. */
export interface Figure {
  readonly describe: string;
  readonly measure: (progress: Progress) => Promise<readonly Row[]>;
}
