import type { Credentials, Login } from './connection.ts';
import { TransportError } from './transport-error.ts';

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
    return open({ authentication: 'oauth2', username, accessToken: await tokens.renew(accessToken) });
  }
};
