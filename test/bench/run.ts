import { fork } from 'node:child_process';
import { once } from 'node:events';
import { figures } from './figures.ts';
import type { Row } from './support/figure.ts';
import { renderTable } from './support/table.ts';

const namesOf = (wanted: readonly string[]): readonly string[] => {
  const unknown = wanted.filter((name) => figures[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`There is no figure ${unknown.join(', ')}; there are ${Object.keys(figures).join(', ')}.`);
  return wanted.length > 0 ? wanted : Object.keys(figures);
};

/** Measures one figure in a process of its own, so that none leaves memory or warm code to the next. */
const measure = async (name: string): Promise<readonly Row[]> => {
  const child = fork(`${import.meta.dirname}/measure.ts`, [], {
    env: { ...process.env, BENCH_FIGURE: name },
    execArgv: ['--max-semi-space-size=64', '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let rows: readonly Row[] = [];
  child.on('message', (message) => {
    rows = message as readonly Row[];
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The figure ${name} ended with ${code}`);
  return rows;
};

for (const name of namesOf(process.argv.slice(2))) {
  process.stderr.write(`${name}: ${figures[name]?.describe}\n`);
  const rows = await measure(name);
  process.stdout.write(`\n### ${name}\n\n${renderTable(rows)}\n\n`);
}
