import { type FaultCode, faultCatalogue } from '../../../shared/platform/fault-catalogue.ts';
import { describeProblem } from './describe-problem.ts';

const codes = Object.keys(faultCatalogue).sort() as FaultCode[];

const section = (code: FaultCode): string =>
  [
    `### ${code}`,
    describeProblem(code)
      .map(([heading, text]) => `- **${heading}:** ${text}.`)
      .join('\n'),
  ].join('\n\n');

/** Every code of the contract, as a page for people. */
export const createProblemReference = (): string => {
  const answers = codes.filter((code) => faultCatalogue[code].status !== undefined);
  const inside = codes.filter((code) => faultCatalogue[code].status === undefined);
  return [
    '# Problems and their codes',
    'Made from the catalogue (`npm run docs`); do not edit. Each code has the same page at the hub, below `/problems/`, where the `type` of a problem and the `helpUrl` of an alert lead.',
    '## Answers to requests',
    ...answers.map(section),
    '## Inside results, alerts, deliveries and decisions',
    ...inside.map(section),
  ]
    .join('\n\n')
    .concat('\n');
};
