/**
 * Asks again and again until the answer is there.
 * @param ask returns the answer, or `undefined` while it is not there yet.
 * @param options `what` names what is waited for, for the error (a function: as it is at the deadline); `seconds` is the deadline [20].
 * @throws Error when the deadline passes.
 */
export const eventually = async <Answer>(
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  options: { readonly what: string | (() => string); readonly seconds?: number; readonly everyMilliseconds?: number },
): Promise<Answer> => {
  const { what, seconds = 20, everyMilliseconds = 100 } = options;
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${seconds} s: ${typeof what === 'string' ? what : what()}.`);
    await new Promise((resolve) => setTimeout(resolve, everyMilliseconds));
  }
};
