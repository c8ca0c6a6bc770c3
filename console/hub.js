import { forgetToken, keptToken } from './session.js';

/**
 * @typedef {{ title: string, detail: string, cause: string, fix: string, whoActs: string, code: string, type: string }} Problem
 */

/** An answer that says no, with what a person should know of it. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {Problem} problem
   */
  constructor(status, problem) {
    super(problem.title);
    this.status = status;
    this.problem = problem;
  }
}

const unreachable = {
  title: 'The hub does not answer',
  detail: 'The request did not get through, or its answer was lost.',
  cause: 'The network, or the hub, is away for a moment',
  fix: 'Try again in a moment',
  whoActs: 'nobody',
  code: 'unavailable',
  type: '/problems/unavailable',
};

/**
 * Goes to a page elsewhere, such as that of a provider.
 *
 * @param {string} address as the hub gave it
 */
export const leaveFor = (address) => {
  if (!/^https?:$/.test(new URL(address).protocol)) throw new Error('That is no address of a page');
  location.assign(address);
};

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Asks the hub's public API, as who is signed in.
 *
 * @template Answer
 * @param {string} method
 * @param {string} path below /v1
 * @param {unknown} [body]
 * @returns {Promise<Answer>} the body of the answer, null where it has none
 * @throws {Refusal}
 */
export const ask = async (method, path, body) => {
  const token = keptToken();
  let response;
  try {
    response = await fetch(`/v1${path}`, {
      method,
      credentials: 'omit',
      cache: 'no-store',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Refusal(0, unreachable);
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text === '' ? null : JSON.parse(text);
  } catch {
    throw new Refusal(response.status, unreachable);
  }
  if (response.ok) return answer;
  if (response.status === 401) forgetToken();
  throw new Refusal(response.status, { ...unreachable, ...answer });
};

const attempts = 3;

/**
 * As `ask`, again where nobody answered: for what may be asked twice.
 *
 * @template Answer
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<Answer>}
 */
export const askAgain = async (method, path, body) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(method, path, body);
    } catch (error) {
      const passes = error instanceof Refusal && (error.status === 0 || error.status === 503);
      if (!passes || attempt === attempts) throw error;
      await pause(attempt * 1_000);
    }
  }
};

/** As long as anybody looks at one press of a button. */
const patienceMilliseconds = 180_000;

/**
 * Waits for the end of long work.
 *
 * @param {import('./answers.ts').Operation} operation
 * @returns {Promise<import('./answers.ts').Operation>} as it is then
 */
export const awaitOperation = async (operation) => {
  const giveUpAt = Date.now() + patienceMilliseconds;
  let present = operation;
  while (['queued', 'running'].includes(present.status) && Date.now() < giveUpAt)
    present = await askAgain('GET', `/operations/${present.id}?wait=20`);
  return present;
};
