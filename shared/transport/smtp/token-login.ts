import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Login } from '../connection.ts';
import { chooseOAuthMechanism, oauthAcknowledgement, oauthResponse } from '../oauth-login.ts';
import { TransportError } from '../transport-error.ts';

type TokenLogin = Extract<Login, { readonly authentication: 'oauth2' }>;

/** The name under which the library finds the handler; it takes no mechanism of its own for this one. */
const method = 'OAUTHBEARER';

/** The mechanisms in the server's answer to EHLO; undefined when the answer is another one. */
export const readMechanisms = (reply: string): ReadonlySet<string> | undefined => {
  const line = /^250[ -]AUTH[ =](.*)$/im.exec(reply)?.[1];
  return line === undefined
    ? undefined
    : new Set(
        line
          .trim()
          .toUpperCase()
          .split(/[\s=]+/),
      );
};

/**
 * Makes the library's client ready to log in with an access token: by itself it knows XOAUTH2 only, and asks for tokens
 * on its own.
 *
 * @returns what to call its `login` with
 * @throws TransportError protocolUnsupported
 */
export const prepareTokenLogin = (client: SMTPConnection, offered: ReadonlySet<string>, login: TokenLogin) => {
  const mechanism = chooseOAuthMechanism(offered);
  if (mechanism === undefined)
    throw new TransportError('protocolUnsupported', {
      class: 'permanent',
      level: 'profile',
      detail: 'The outgoing server takes no access tokens',
      fix: 'Set authentication to password, or ask the provider to allow OAuth',
    });
  client.customAuth.set(method, async ({ sendCommand }: SMTPConnection.CustomAuthenticationContext) => {
    let answer = await sendCommand(`AUTH ${mechanism} ${oauthResponse(mechanism, login)}`);
    if (answer.status === 334) answer = await sendCommand(oauthAcknowledgement[mechanism]);
    if (answer.status < 200 || answer.status > 299) throw new Error('The server refused the login');
  });
  return { user: login.username, method, credentials: { user: login.username, pass: '' } };
};
