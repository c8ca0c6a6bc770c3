import { alertsSection } from './alerts.js';
import { button, element, moment, showHeader, showMain, tell } from './elements.js';
import { ask, askAgain, Refusal } from './hub.js';
import { mailboxSection } from './mailbox.js';
import { problemCard } from './problem.js';
import { forgetToken } from './session.js';
import { completeSignIn, showSignIn } from './sign-in.js';

const reloadMilliseconds = 60_000;

/**
 * @template Answer
 * @param {string} path
 * @returns {Promise<Answer>}
 */
const read = (path) => askAgain('GET', path);

/** @param {{ session: import('./answers.ts').Session, user: import('./answers.ts').User, organization: import('./answers.ts').Organization }} signedIn */
const showWho = ({ session, user, organization }) => {
  const signOut = async () => {
    try {
      await ask('DELETE', '/sessions/current');
    } catch (error) {
      // It had ended by itself already, or the answer of an earlier press was lost.
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
    }
    forgetToken();
    tell('You are signed out');
    await showSignIn();
  };
  showHeader(
    element(
      'p',
      {},
      element('strong', {}, user.fullName),
      session.role === 'admin' ? ' (administrator)' : '',
      `, ${organization.name} `,
      element('span', { class: 'quiet' }, 'until ', moment(session.expiresAt)),
    ),
    button('Sign out', async () => {
      try {
        await signOut();
      } catch (error) {
        showMain(problemCard(error));
      }
    }),
  );
};

/**
 * Who is signed in, their mailbox and what they should know, from the public API.
 *
 * @param {boolean} hasJustSignedIn
 */
const showConsole = async (hasJustSignedIn) => {
  /** @type {import('./answers.ts').Session} */
  const session = await read('/sessions/current');
  /** @type {[import('./answers.ts').User, import('./answers.ts').Organization, import('./answers.ts').Page<import('./answers.ts').Mailbox>]} */
  const [user, organization, mailboxes] = await Promise.all([
    read(`/users/${session.userId}`),
    read('/organization'),
    read(`/mailboxes?ownerId=${session.userId}`),
  ]);
  const shown = await Promise.all(
    mailboxes.data.map(async (mailbox) => {
      /** @type {[import('./answers.ts').MailboxSchedule, import('./answers.ts').Page<import('./answers.ts').Alert>]} */
      const [schedule, alerts] = await Promise.all([
        read(`/mailboxes/${mailbox.id}/schedule`),
        read(`/alerts?status=open&mailboxId=${mailbox.id}`),
      ]);
      return { mailbox, schedule, alerts };
    }),
  );
  document.title = `${user.fullName} – Mailbox Sync`;
  showWho({ session, user, organization });
  // By name: somebody may have sent the link to have a person work in another's without noticing.
  if (hasJustSignedIn) tell(`You are signed in as ${user.fullName}`);
  const isAdministrator = session.role === 'admin';
  showMain(
    element('h1', {}, shown.length === 1 ? 'Your mailbox' : 'Your mailboxes'),
    ...(organization.status === 'active'
      ? []
      : [
          element(
            'p',
            { class: 'card alert care' },
            'Your organization is suspended: no mail moves until it is resumed.',
          ),
        ]),
    ...(shown.length === 0 ? [element('p', { class: 'quiet' }, 'You have no mailbox.')] : []),
    ...shown.flatMap(({ mailbox, schedule, alerts }) => [
      mailboxSection({ mailbox, schedule, isAdministrator, reload: showOrExplain }),
      alertsSection(alerts, showOrExplain),
    ]),
  );
};

/** @param {unknown} error */
const explain = async (error) => {
  if (error instanceof Refusal && error.status === 401) return showSignIn();
  showMain(
    element('h1', {}, 'This did not work'),
    problemCard(error),
    button('Try again', showOrExplain, { main: true }),
  );
};

async function showOrExplain(hasJustSignedIn = false) {
  try {
    await showConsole(hasJustSignedIn);
  } catch (error) {
    await explain(error);
  }
}

/** A browser may make a page ready that nobody may ever see: such a one uses up no link. */
const untilSeen = async () => {
  if ('prerendering' in document && document.prerendering === true)
    await new Promise((resolve) => document.addEventListener('prerenderingchange', resolve, { once: true }));
};

const begin = async () => {
  await untilSeen();
  let hasJustSignedIn = false;
  try {
    hasJustSignedIn = await completeSignIn();
  } catch (error) {
    await showSignIn(error);
    return;
  }
  await showOrExplain(hasJustSignedIn);
};

/** What is shown grows old; but nothing moves under a person who is at a button. */
setInterval(() => {
  const isIdle = document.activeElement === document.body || document.activeElement === null;
  const isSignedIn = document.getElementById('who')?.hasChildNodes() === true;
  if (document.visibilityState === 'visible' && isIdle && isSignedIn) void showOrExplain();
}, reloadMilliseconds);

await begin();
