import type { Credentials, Login } from './connection.ts';
import { TransportError } from './transport-error.ts';

/** The issuer gives tokens and the server does not take them: no password is wrong. */
const explain = ({ fault, level }: TransportError): TransportError =>
  new TransportError('authenticationFailed', {
    class: 'refused',
    level,
    detail: fault.detail,
    cause: 'The mail server does not accept the access token: it is of another account, or of too few scopes',
    fix: 'Check the scopes of the server profile and the login of the mailbox, or connect the mailbox again',
  });

/**
 * Opens a session with these credentials. An access token may have been revoked before its time, and what came of a
 * refresh may not have reached every server yet: one that is refused is replaced once before the refusal counts.
 *
 * @param open throws TransportError, and leaves no connection open then
 * @throws TransportError
 */
export const withLogin = async <Session>(
  credentials: Credentials,
  open: (login: Login) => Promise<Session>,
): Promise<Session> => {
  if (credentials.authentication !== 'oauth2') return open(credentials);
  const { username, tokens } = credentials;
  const accessToken = await tokens.current();
  try {
    return await open({ authentication: 'oauth2', username, accessToken });
  } catch (error) {
    if (!(error instanceof TransportError) || error.class !== 'refused') throw error;
    const renewed = await tokens.renew(accessToken);
    try {
      return await open({ authentication: 'oauth2', username, accessToken: renewed });
    } catch (again) {
      throw again instanceof TransportError && again.class === 'refused' ? explain(again) : again;
    }
  }
};
