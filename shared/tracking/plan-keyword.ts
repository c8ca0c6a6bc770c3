/** A message that bears the keyword and could not be tracked so far. */
export interface FailingMessage {
  readonly uid: number;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

export interface KeywordFacts {
  /** Bore the keyword when it was looked for last, and were seen to. */
  readonly known: readonly number[];
  /** Bear it now. */
  readonly present: readonly number[];
  /** Got it from the hub itself in this run. */
  readonly marked: ReadonlySet<number>;
  readonly failing: readonly FailingMessage[];
  readonly retryMilliseconds: number;
  readonly now: number;
}

export interface KeywordPlan {
  /** Somebody put the keyword on, or a failed attempt is due again. */
  readonly track: readonly number[];
  /** Lost the keyword, or left the folder. */
  readonly lost: readonly number[];
  /** Failing ones that are not due yet. */
  readonly waiting: readonly FailingMessage[];
}

/** What the keywords in a folder ask for. One that was taken off and put on again begins with no failed attempts. */
export const planKeyword = (facts: KeywordFacts): KeywordPlan => {
  const known = new Set(facts.known);
  const present = new Set(facts.present);
  const failing = new Map(facts.failing.filter(({ uid }) => present.has(uid)).map((one) => [one.uid, one]));
  const isDue = ({ lastAt }: FailingMessage): boolean => lastAt + facts.retryMilliseconds <= facts.now;
  return {
    track: facts.present.filter((uid) => {
      if (known.has(uid) || facts.marked.has(uid)) return false;
      const before = failing.get(uid);
      return before === undefined || isDue(before);
    }),
    lost: facts.known.filter((uid) => !present.has(uid)),
    waiting: [...failing.values()].filter((one) => !isDue(one) && !facts.marked.has(one.uid)),
  };
};

/**
 * The failing messages after a round of attempts, and those that have used them up: the first attempt and as many
 * retries as the settings allow.
 */
export const noteFailures = (
  plan: Pick<KeywordPlan, 'waiting'>,
  before: readonly FailingMessage[],
  failed: readonly number[],
  retries: number,
  now: number,
): { readonly failing: readonly FailingMessage[]; readonly givenUp: readonly number[] } => {
  const attempts = new Map(before.map((one) => [one.uid, one.attempts]));
  const tried = failed.map((uid) => ({ uid, attempts: (attempts.get(uid) ?? 0) + 1, lastAt: now }));
  return {
    failing: [...plan.waiting, ...tried.filter((one) => one.attempts <= retries)],
    givenUp: tried.filter((one) => one.attempts > retries).map(({ uid }) => uid),
  };
};
