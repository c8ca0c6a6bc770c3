import type { Row } from './figure.ts';

const columns = ['what', 'value', 'against', 'ratio', 'budget', ''] as const;

const cellsOf = (row: Row): readonly string[] => [
  row.what,
  row.value,
  row.against ?? '',
  row.ratio ?? '',
  row.budget ?? '',
  row.kept === undefined ? '' : row.kept ? 'kept' : 'missed',
];

/** The rows as a table that reads well in a terminal and is Markdown. */
export const renderTable = (rows: readonly Row[]): string => {
  const lines = [columns, ...rows.map(cellsOf)];
  const widths = columns.map((_, column) => Math.max(3, ...lines.map((cells) => (cells[column] ?? '').length)));
  const render = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [render(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(render)].join('\n');
};
