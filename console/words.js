/** @type {Readonly<Record<string, string>>} */
const actors = {
  caller: 'You',
  mailboxOwner: 'The owner of the mailbox',
  administrator: 'Your administrator',
  operator: 'Whoever runs Mailbox Sync for you',
  nobody: 'Nobody: it passes by itself',
};

/** @param {string} whoActs */
export const sayWhoActs = (whoActs) => actors[whoActs] ?? whoActs;

/** @type {Readonly<Record<string, { text: string, tone: string }>>} */
const states = {
  off: { text: 'Off', tone: '' },
  notTested: { text: 'Not tested yet', tone: 'care' },
  testFailed: { text: 'The last test failed', tone: 'bad' },
  testing: { text: 'Being tested', tone: 'busy' },
  enabled: { text: 'On', tone: 'good' },
  retrying: { text: 'On, trying again after a fault', tone: 'care' },
  probing: { text: 'Looking whether it works again', tone: 'care' },
  disabled: { text: 'Switched off', tone: 'bad' },
};

/** @param {string} state */
export const sayState = (state) => states[state] ?? { text: state, tone: '' };

/** @type {Readonly<Record<string, string>>} */
const disablers = {
  admin: 'an administrator switched it off',
  permanentError: 'it failed, see below',
  takeover: 'another mailbox took over the address',
  ownerInactive: 'the user is not active',
  profile: 'the server profile is switched off',
  channel: 'the organization moves mail otherwise',
};

/** @param {string | null} disabledBy */
export const sayDisabledBy = (disabledBy) => (disabledBy === null ? null : (disablers[disabledBy] ?? disabledBy));

/** @type {Readonly<Record<string, { text: string, tone: string }>>} */
const healths = {
  ok: { text: 'Works as it should', tone: 'good' },
  late: { text: 'Late', tone: 'care' },
  failing: { text: 'Does not work', tone: 'bad' },
  off: { text: 'Switched off', tone: '' },
};

/** @param {string} health */
export const sayHealth = (health) => healths[health] ?? { text: health, tone: '' };

/** @type {Readonly<Record<string, string>>} */
const approvals = {
  empty: 'The mailbox has no address',
  pending: 'Waits for approval',
  approved: 'Approved',
  rejected: 'Rejected',
};

/** @param {string} approval */
export const sayApproval = (approval) => approvals[approval] ?? approval;

/** @type {Readonly<Record<string, string>>} */
const actions = {
  yes: 'Yes',
  no: 'No',
  retry: 'Try again',
  testAndEnable: 'Test and enable',
  reconnect: 'Sign in again at the provider',
};

/** @param {string} action */
export const sayAction = (action) => actions[action] ?? action;

/** @type {Readonly<Record<string, string>>} */
const workloads = {
  incoming: 'Incoming email',
  outgoing: 'Outgoing email',
  act: 'Appointments, contacts, tasks',
};

/** @param {string} workload */
export const sayWorkload = (workload) => workloads[workload] ?? workload;

/** @type {Readonly<Record<string, string>>} */
const tones = { error: 'bad', warning: 'care', information: 'busy' };

/** @param {string} level */
export const toneOfLevel = (level) => tones[level] ?? '';
