import { button, details, element, moment, tell } from './elements.js';
import { ask, awaitOperation, leaveFor } from './hub.js';
import { helpLink, problemCard } from './problem.js';
import { sayAction, sayWhoActs, toneOfLevel } from './words.js';

/**
 * Does what an alert offers. What leads to a provider's sign-in goes there.
 *
 * @param {string} alertId
 * @param {string} action
 */
const act = async (alertId, action) => {
  /** @type {import('./answers.ts').ActAnswer} */
  const answer = await ask('POST', `/alerts/${alertId}/act`, { action });
  if ('authorizationUrl' in answer) {
    leaveFor(answer.authorizationUrl);
    return;
  }
  if ('progress' in answer) await awaitOperation(answer);
  tell(`Done: ${sayAction(action)}`);
};

/**
 * @param {import('./answers.ts').Alert} alert as the API shows it
 * @param {() => Promise<void>} reload
 */
const alertCard = (alert, reload) => {
  const card = element('li', { class: `card alert ${toneOfLevel(alert.level)}` });
  /** @param {() => Promise<void>} work */
  const attempt = (work) => async () => {
    try {
      await work();
      await reload();
    } catch (error) {
      card.append(problemCard(error));
    }
  };
  const clear = async () => {
    await ask('POST', `/alerts/${alert.id}/clear`, {});
    tell('The alert is cleared');
  };
  card.append(
    element('h3', {}, alert.title),
    details([
      ['What', alert.detail === alert.title ? null : alert.detail],
      ['Why', alert.cause],
      ['What to do', alert.fix],
      ['Who acts', sayWhoActs(alert.whoActs)],
      ['Since', moment(alert.firstAt)],
      ['Seen', alert.count > 1 ? `${alert.count} times` : null],
      ['Help', helpLink(alert.helpUrl)],
    ]),
    element(
      'div',
      { class: 'row' },
      element(
        'span',
        {},
        ...alert.actions.flatMap((/** @type {string} */ action) => [
          button(
            sayAction(action),
            attempt(() => act(alert.id, action)),
            { about: alert.title },
          ),
          ' ',
        ]),
      ),
      button('Clear', attempt(clear), { about: alert.title }),
    ),
  );
  return card;
};

/**
 * @param {import('./answers.ts').Page<import('./answers.ts').Alert>} page the first page of the open alerts
 * @param {() => Promise<void>} reload
 */
export const alertsSection = ({ data, nextCursor }, reload) =>
  element(
    'section',
    { 'aria-labelledby': 'alerts' },
    element('h2', { id: 'alerts' }, data.length === 0 ? 'No open alerts' : 'Open alerts'),
    ...(data.length === 0 ? [element('p', { class: 'quiet' }, 'Nothing needs you.')] : []),
    element('ul', { class: 'workloads' }, ...data.map((alert) => alertCard(alert, reload))),
    nextCursor === null ? undefined : element('p', { class: 'quiet' }, 'There are more; these are the newest.'),
  );
