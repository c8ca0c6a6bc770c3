import { details, element } from './elements.js';
import { Refusal } from './hub.js';
import { sayWhoActs } from './words.js';

/**
 * The page of a code. Only the hub's own are linked.
 *
 * @param {string} address
 */
export const helpLink = (address) =>
  /^\/problems\/[A-Za-z0-9]+$/.test(address)
    ? element('a', { href: address, target: '_blank', rel: 'noopener' }, 'More about this')
    : undefined;

/**
 * A fault in words: why, what to do, who acts.
 *
 * @param {import('./hub.js').Problem} problem
 */
export const faultDetails = ({ title, detail, cause, fix, whoActs, type }) =>
  details([
    ['What', detail === title ? null : detail],
    ['Why', cause],
    ['What to do', fix],
    ['Who acts', sayWhoActs(whoActs)],
    ['Help', helpLink(type)],
  ]);

/** @param {unknown} error */
export const problemOf = (error) => {
  if (error instanceof Refusal) return error.problem;
  throw error;
};

/** @param {unknown} error */
export const problemCard = (error) => {
  const problem = problemOf(error);
  return element('section', { class: 'card alert bad' }, element('h3', {}, problem.title), faultDetails(problem));
};
