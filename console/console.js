import { alertsSection } from './alerts.js';
import { button, element, moment, showHeader, showMain, tell } from './elements.js';
import { ask, askAgain, Refusal } from './hub.js';
import { mailboxSection } from './mailbox.js';
import { problemCard } from './problem.js';
import { completeSignIn, showSignIn } from './sign-in.js';

const reloadMilliseconds = 60_000;

/** @param {string} path */
const read = (path) => askAgain('GET', path);

/** @param {{ session: any, user: any, organization: any }} signedIn */
const showWho = ({ session, user, organization }) => {
  const signOut = async () => {
    await ask('DELETE', '/sessions/current');
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

/** Who is signed in, their mailbox and what they should know, from the public API. */
const showConsole = async () => {
  const session = await read('/sessions/current');
  const [user, organization, mailboxes] = await Promise.all([
    read(`/users/${session.userId}`),
    read('/organization'),
    read(`/mailboxes?ownerId=${session.userId}`),
  ]);
  const shown = await Promise.all(
    mailboxes.data.map(async (/** @type {any} */ mailbox) => {
      const [schedule, alerts] = await Promise.all([
        read(`/mailboxes/${mailbox.id}/schedule`),
        read(`/alerts?status=open&mailboxId=${mailbox.id}`),
      ]);
      return { mailbox, schedule, alerts };
    }),
  );
  document.title = `${user.fullName} – Mailbox Sync`;
  showWho({ session, user, organization });
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

async function showOrExplain() {
  try {
    await showConsole();
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
  try {
    const signedIn = await completeSignIn();
    if (signedIn === 'done') tell('You are signed in');
    // Somebody may have sent the link to have a person work in another's name without noticing.
    if (signedIn === 'replaced')
      tell('You are signed in as somebody else than before. If that is not what you meant, sign out.');
  } catch (error) {
    await showSignIn(error);
    return;
  }
  await showOrExplain();
};

/** What is shown grows old; but nothing moves under a person who is at a button. */
setInterval(() => {
  const isIdle = document.activeElement === document.body || document.activeElement === null;
  const isSignedIn = document.getElementById('who')?.hasChildNodes() === true;
  if (document.visibilityState === 'visible' && isIdle && isSignedIn) void showOrExplain();
}, reloadMilliseconds);

await begin();
