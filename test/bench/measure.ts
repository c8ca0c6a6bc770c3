import { figures } from './figures.ts';

// One figure in a process of its own: BENCH_FIGURE names it, the rows go to the parent.
const name = process.env['BENCH_FIGURE'] ?? '';
const figure = figures[name];
if (figure === undefined) throw new Error(`There is no figure ${name}`);
const rows = await figure.measure((text) => process.stderr.write(`  ${name}: ${text}\n`));
process.send?.(rows);
process.disconnect?.();
