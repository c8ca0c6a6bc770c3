import type { Login } from '../connection.ts';
import { chooseOAuthMechanism, oauthAcknowledgement, oauthResponse } from '../oauth-login.ts';
import { TransportError } from '../transport-error.ts';
import type { Pop3Connection } from './pop3-connection.ts';
import { Pop3Refusal } from './pop3-refusal.ts';

/** With more than this an initial response does not go into the command (RFC 5034 section 4). */
const longestCommand = 255;

const unsupported = (detail: string, fix: string): TransportError =>
  new TransportError('protocolUnsupported', { class: 'permanent', level: 'profile', detail, fix });

/** A line break within it would be the end of the command, and the rest of it the next one. */
const refuseLineBreaks = (...texts: readonly string[]): void => {
  if (texts.some((text) => /[\r\n\0]/.test(text)))
    throw new TransportError('authenticationFailed', {
      class: 'permanent',
      level: 'mailbox',
      detail: 'Username or password holds a line break, which no login can have',
      fix: 'Correct the credentials',
    });
};

/** Waits for the server to ask for the response, or to refuse the command. */
const readContinuation = async (connection: Pop3Connection): Promise<string> => {
  const line = await connection.readLine();
  if (line.startsWith('+ ') || line === '+') return line.slice(2);
  const refused = /^-ERR\b ?(.*)$/is.exec(line);
  throw refused === null
    ? unsupported('The server did not ask for the credentials as RFC 5034 has it', 'Set authentication to password')
    : new Pop3Refusal(refused[1] ?? '');
};

const authenticateInSteps = async (connection: Pop3Connection, mechanism: string, response: string): Promise<void> => {
  connection.send(`AUTH ${mechanism}`);
  await readContinuation(connection);
  connection.send(response);
};

const loginPlain = async (connection: Pop3Connection, username: string, password: string): Promise<void> => {
  const response = Buffer.from(`\0${username}\0${password}`).toString('base64');
  const command = `AUTH PLAIN ${response}`;
  // A server from before RFC 5034 refuses an initial response. Asking again is no second try of a wrong password only
  // where a wrong password is told by its code.
  if (connection.capabilities.authResponseCode && command.length + 2 <= longestCommand) {
    connection.send(command);
    const refusal = await connection.readStatusOrRefusal();
    if (refusal === undefined) return;
    if (refusal.responseCode !== undefined) throw refusal;
  }
  await authenticateInSteps(connection, 'PLAIN', response);
  await connection.readOk();
};

const loginUser = async (connection: Pop3Connection, username: string, password: string): Promise<void> => {
  connection.send(`USER ${username}`);
  await connection.readOk();
  connection.send(`PASS ${password}`);
  await connection.readOk();
};

const loginToken = async (connection: Pop3Connection, username: string, accessToken: string): Promise<void> => {
  const mechanism = chooseOAuthMechanism(connection.capabilities.mechanisms);
  if (mechanism === undefined)
    throw unsupported('The server offers neither XOAUTH2 nor OAUTHBEARER', 'Set authentication to password');
  await authenticateInSteps(connection, mechanism, oauthResponse(mechanism, { username, accessToken }));
  const line = await connection.readLine();
  if (/^\+OK\b/i.test(line)) return;
  if (line.startsWith('+')) {
    connection.send(oauthAcknowledgement[mechanism]);
    const refusal = await connection.readStatusOrRefusal();
    if (refusal?.responseCode !== undefined) throw refusal;
    throw new Pop3Refusal(`[AUTH] ${refusal?.words ?? 'The access token is not accepted'}`);
  }
  throw new Pop3Refusal(line.replace(/^-ERR\b ?/i, ''));
};

/**
 * Logs in by the best way that the server offers.
 *
 * @throws Pop3Refusal, ConnectionLost, TransportError
 */
export const login = async (connection: Pop3Connection, given: Login): Promise<void> => {
  const { mechanisms, user } = connection.capabilities;
  switch (given.authentication) {
    case 'none':
      throw unsupported('POP3 has no session without a login', 'Set authentication to password');
    case 'oauth2':
      refuseLineBreaks(given.username, given.accessToken);
      return loginToken(connection, given.username, given.accessToken);
    case 'password': {
      const { username, password } = given;
      refuseLineBreaks(username, password);
      if (mechanisms.has('PLAIN')) return loginPlain(connection, username, password);
      if (user) return loginUser(connection, username, password);
      throw unsupported(
        'The server takes neither AUTH PLAIN nor USER and PASS',
        'Ask the provider how passwords may be used, or use oauth2',
      );
    }
  }
};
