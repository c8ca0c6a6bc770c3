import { globSync, readFileSync } from 'node:fs';

const root = new URL('../..', import.meta.url).pathname;

/** A test as it stands in its file. */
export interface StatedTest {
  readonly file: string;
  /** The titles around it and its own, as one sentence. */
  readonly title: string;
  readonly body: string;
}

const opening = /^( *)(describe|it)(?:\.(?!each\b)\w+)*(\(|\.each\b)/;
const quoted = /(['"`])((?:\\.|(?!\1)[^\\])*)\1/s;

/** Where the title of a test begins in the text that its line opens: behind the table, where it has one. */
const findTitle = (text: string, isTable: boolean): string | undefined => {
  const start = isTable ? /\](?: as const)?,?\s*\)\(\s*(?=['"`])/.exec(text) : /^[^(]*\(\s*(?=['"`])/.exec(text);
  const match = start === null ? null : quoted.exec(text.slice(start.index + start[0].length));
  return match === null || match.index !== 0 ? undefined : match[2]?.replace(/\\(.)/g, '$1').replace(/%\w|\$\w+/g, '…');
};

/** The tests of a file whose titles stand in it; formatted as they are, the depth of a line tells what holds it. */
const readFile = (file: string): readonly StatedTest[] => {
  const lines = readFileSync(root + file, 'utf8').split('\n');
  const around: { readonly depth: number; readonly title: string }[] = [];
  const tests: StatedTest[] = [];
  for (const [index, line] of lines.entries()) {
    const match = opening.exec(line);
    if (match === null) continue;
    const depth = match[1]?.length ?? 0;
    const end = lines.findIndex((later, at) => at > index && /^ *\}?\)/.test(later) && later.search(/\S/) === depth);
    const body = lines.slice(index, end === -1 ? lines.length : end + 1).join('\n');
    const title = findTitle(match[2] === 'describe' ? body.slice(0, 2_000) : body, match[3] === '.each');
    if (title === undefined) continue;
    while ((around.at(-1)?.depth ?? -1) >= depth) around.pop();
    if (match[2] === 'describe') around.push({ depth, title });
    else tests.push({ file, title: [...around.map((one) => one.title), title].join(' '), body });
  }
  return tests;
};

/** The tests of all files that the patterns name, in the order of their names. */
export const readTests = (patterns: readonly string[]): readonly StatedTest[] =>
  globSync([...patterns], { cwd: root })
    .sort()
    .flatMap(readFile);
