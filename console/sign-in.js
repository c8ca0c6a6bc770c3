import { button, element, showHeader, showMain, tell } from './elements.js';
import { ask, askAgain, leaveFor } from './hub.js';
import { problemCard } from './problem.js';
import { keepPending, keepToken, takePending } from './session.js';

/** What this page alone knows, so that it may ask again for an answer that was lost. */
const randomText = () =>
  [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * The sign-in that the address brings along; undefined: none. It goes from the history before anything else happens.
 *
 * @returns {(() => Promise<import('./answers.ts').SignedIn>) | undefined} ends it
 */
const takeSignIn = () => {
  const { pathname, hash, search } = location;
  const code = new URLSearchParams(hash.slice(1)).get('code');
  const isCallback = pathname === '/console/sign-in/callback';
  if (!isCallback && (pathname !== '/console/sign-in' || code === null)) return undefined;
  history.replaceState(null, '', '/console/sign-in');
  const attempt = randomText();
  return isCallback
    ? () => ask('POST', '/sign-in/identity-provider/callback', { pending: takePending(), query: search.slice(1) })
    : () => askAgain('POST', '/sign-in/link', { code, attempt });
};

/**
 * Ends a sign-in that the address brings along.
 *
 * @returns {Promise<boolean>} whether there was one
 */
export const completeSignIn = async () => {
  const complete = takeSignIn();
  if (complete === undefined) return false;
  const { token } = await complete();
  keepToken(token);
  history.replaceState(null, '', '/console');
  return true;
};

/** @param {string} organizationId */
const goToProvider = async (organizationId) => {
  /** @type {{ authorizationUrl: string, pending: string }} */
  const { authorizationUrl, pending } = await ask('POST', '/sign-in/identity-provider', { organizationId });
  keepPending(pending);
  leaveFor(authorizationUrl);
};

/** @param {string} host */
const providerForm = (host) => {
  const given = new URLSearchParams(location.search).get('organization') ?? '';
  const field = element('input', {
    id: 'organization',
    name: 'organization',
    autocomplete: 'organization',
    value: given,
  });
  const hint = element(
    'p',
    { id: 'organization-hint', class: 'quiet' },
    'Your administrator knows it. It begins with org_.',
  );
  field.setAttribute('aria-describedby', 'organization-hint');
  const problems = element('div', { role: 'alert' });
  const press = async () => {
    const organizationId = field.value.trim();
    problems.replaceChildren();
    if (!/^org_[0-9A-Za-z]{16,40}$/.test(organizationId)) {
      problems.append(element('p', {}, 'This is not the id of an organization: it begins with org_.'));
      field.focus();
      return;
    }
    tell(`Going to ${host}…`);
    try {
      await goToProvider(organizationId);
    } catch (error) {
      tell('');
      problems.append(problemCard(error));
    }
  };
  return element(
    'section',
    { class: 'card', 'aria-labelledby': 'by-provider' },
    element('h2', { id: 'by-provider' }, 'With your company account'),
    element('label', { for: 'organization' }, 'Organization'),
    field,
    hint,
    button(`Sign in with ${host}`, press, { main: true }),
    problems,
  );
};

/**
 * Explains how to sign in.
 *
 * @param {unknown} [error] why nobody is signed in
 */
export const showSignIn = async (error) => {
  document.title = 'Sign in – Mailbox Sync';
  showHeader();
  const problem = error === undefined ? [] : [problemCard(error)];
  const heading = element('h1', {}, 'Sign in');
  const crm = element(
    'section',
    { class: 'card', 'aria-labelledby': 'by-crm' },
    element('h2', { id: 'by-crm' }, 'From your CRM'),
    element(
      'p',
      {},
      'Open Mailbox Sync from your CRM: it knows who you are, and brings you here signed in. Each link works once, within a minute.',
    ),
  );
  showMain(heading, ...problem, crm);
  /** @type {{ identityProvider: { host: string } | null }} */
  const { identityProvider } = await askAgain('GET', '/sign-in');
  if (identityProvider !== null) showMain(heading, ...problem, providerForm(identityProvider.host), crm);
};
