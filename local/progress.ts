/** Shows what is being done and how long it takes. */
export type Progress = {
  /** Runs one step and shows its name, and when it is done the seconds that it took and what it says of itself. */
  readonly step: <Result>(name: string, run: (note: (text: string) => void) => Promise<Result>) => Promise<Result>;
  readonly line: (text: string) => void;
};

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1).padStart(5)} s`;

const terminalTickMilliseconds = 250;
const plainTickMilliseconds = 15_000;

/** Progress on a terminal (one line that counts the seconds) or in a log (plain lines, one more each 15 s). */
export const createProgress = (output: NodeJS.WriteStream = process.stdout): Progress => {
  const begun = Date.now();
  const isTerminal = output.isTTY === true;
  const line = (text: string): void => void output.write(`${text}\n`);
  const step: Progress['step'] = async (name, run) => {
    const since = Date.now();
    const notes: string[] = [];
    const show = (end: string): void => {
      const text = `[${seconds(begun)}] ${name}${end}`;
      if (isTerminal) output.write(`\r\x1b[K${text}`);
      else line(text);
    };
    show(' …');
    const ticking = setInterval(
      () => show(` … ${seconds(since).trim()}`),
      isTerminal ? terminalTickMilliseconds : plainTickMilliseconds,
    );
    const finish = (end: string): void => {
      clearInterval(ticking);
      show(end);
      if (isTerminal) output.write('\n');
    };
    try {
      const result = await run((text) => notes.push(text));
      finish(`: done in ${seconds(since).trim()}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`);
      return result;
    } catch (error) {
      finish(`: failed after ${seconds(since).trim()}`);
      throw error;
    }
  };
  return { step, line };
};

/** Progress that shows nothing. */
export const silentProgress: Progress = { step: (_name, run) => run(() => undefined), line: () => undefined };
