import { button, details, element, moment, tell } from './elements.js';
import { ask, awaitOperation } from './hub.js';
import { faultDetails, problemCard } from './problem.js';
import { sayApproval, sayDisabledBy, sayHealth, sayState, sayWorkload } from './words.js';

const running = ['enabled', 'retrying', 'probing'];

/** @param {import('./answers.ts').WorkloadSchedule | undefined} schedule of a workload */
const nextSync = (schedule) => {
  if (schedule?.phase === 'running') return 'Running now';
  if (schedule?.phase === 'queued') return 'In a moment';
  return schedule?.reason === 'nothingToSend' ? 'When there is something to send' : moment(schedule?.nextRunAt);
};

/**
 * @param {string} name
 * @param {import('./answers.ts').Workload} workload of the mailbox
 * @param {import('./answers.ts').WorkloadSchedule | undefined} schedule of the workload
 */
const workloadItem = (name, workload, schedule) => {
  const { fault, lastTest, state } = workload;
  const isRefused = state === 'notTested' && lastTest?.status === 'failure';
  const { text, tone } = sayState(isRefused ? 'testFailed' : state);
  return element(
    'li',
    { class: tone },
    element('h3', {}, sayWorkload(name)),
    element('p', { class: `state ${tone}` }, text),
    details([
      ['Because', sayDisabledBy(workload.disabledBy)],
      ['Next sync', nextSync(schedule)],
      ['Last success', moment(schedule?.lastSuccessAt)],
    ]),
    ...(fault === null ? [] : [element('h4', {}, fault.title), faultDetails(fault)]),
  );
};

/** @param {import('./answers.ts').Operation} operation that has ended, or takes too long to be watched */
const sayOutcome = ({ status, fault }) => {
  if (status === 'succeeded') return 'Done';
  if (status === 'failed') return `Failed: ${fault?.title ?? 'unknown'}. ${fault?.fix ?? ''}`;
  return status === 'cancelled' ? 'Cancelled' : 'It goes on; look again in a while';
};

/** @param {import('./answers.ts').Operation} operation a test of a mailbox */
const sayTest = (operation) => {
  const tested = /** @type {Record<string, import('./answers.ts').WorkloadTest>} */ (
    operation.result?.['workloads'] ?? {}
  );
  const outcomes = Object.entries(tested).map(
    ([name, { status, fault }]) => `${sayWorkload(name)}: ${status}${fault === undefined ? '' : ` (${fault.title})`}`,
  );
  return outcomes.join('; ') || sayOutcome(operation);
};

/**
 * One mailbox with what may be done about it.
 *
 * @param {{ mailbox: import('./answers.ts').Mailbox, schedule: import('./answers.ts').MailboxSchedule, isAdministrator: boolean, reload: () => Promise<void> }} shown
 */
export const mailboxSection = ({ mailbox, schedule, isAdministrator, reload }) => {
  const path = `/mailboxes/${mailbox.id}`;
  const title = mailbox.emailAddress ?? 'Mailbox without an address';
  const health = sayHealth(schedule.health);
  const card = element('section', { class: 'card', 'aria-label': title });
  /**
   * @param {string} begun
   * @param {() => Promise<string>} work says how it went
   */
  const attempt = (begun, work) => async () => {
    tell(begun);
    try {
      const outcome = await work();
      await reload();
      tell(outcome);
    } catch (error) {
      tell('');
      card.append(problemCard(error));
    }
  };
  const workloads = /** @type {const} */ (['incoming', 'outgoing', 'act']);
  const entries = workloads.map((name) => /** @type {const} */ ([name, mailbox.workloads[name]]));
  const isOn = entries.some(([, { state }]) => running.includes(state));
  const isTestable = entries.some(
    ([, { method, state }]) => method === 'serverSideSync' && ['notTested', 'disabled'].includes(state),
  );
  const buttons = [
    isOn
      ? button(
          'Sync now',
          attempt('Synchronizing…', async () =>
            sayOutcome(await awaitOperation(await ask('POST', `${path}/sync`, {}))),
          ),
          { main: true, about: title },
        )
      : undefined,
    isTestable && isAdministrator && mailbox.approval.status === 'approved'
      ? button(
          'Test and enable',
          attempt('Testing…', async () =>
            sayTest(await awaitOperation(await ask('POST', `${path}/test-and-enable`, {}))),
          ),
          { main: !isOn, about: title },
        )
      : undefined,
    mailbox.approval.status === 'pending'
      ? button(
          'Approve this address',
          attempt('Approving…', async () => {
            await ask('POST', `${path}/approve`, {});
            return 'The address is approved';
          }),
          { about: title },
        )
      : undefined,
  ];
  card.append(
    element(
      'div',
      { class: 'row' },
      element('h3', {}, title),
      element('span', { class: `state ${health.tone}` }, health.text),
    ),
    element(
      'ul',
      { class: 'workloads' },
      ...entries.map(([name, workload]) => workloadItem(name, workload, schedule.workloads[name])),
    ),
    mailbox.approval.status === 'approved' ? '' : element('p', {}, `Address: ${sayApproval(mailbox.approval.status)}`),
    element(
      'div',
      { class: 'row' },
      element('span', {}, ...buttons.flatMap((one) => (one === undefined ? [] : [one, ' ']))),
    ),
  );
  return card;
};
