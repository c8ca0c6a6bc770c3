import {
  type AuthorizationServer,
  applicationScope,
  startAuthorizationServer,
} from '../../support/authorization-server.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';
import type { Answer } from '../api-harness.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from '../mailbox/mailbox-world.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';

type Fields = Readonly<Record<string, unknown>>;

export const returnUrl = 'https://crm.example/mailboxes/done';
const hubUrl = 'https://hub.example';

/** An organization with a mailbox of Anna's that signs in at the authorization server. */
export interface OAuthOrganization {
  readonly id: string;
  readonly call: ApiCall;
  readonly as: TestOrganization['as'];
  readonly mailUser: MailUser;
  readonly mailboxId: string;
  readonly serverProfileId: string;
  readonly mailbox: () => Promise<Answer['body']>;
  /** Begins a sign-in and has the browser come back to the hub; the query of its return. */
  readonly signIn: () => Promise<string>;
  /** A whole sign-in; where the browser ends. */
  readonly connect: () => Promise<URL>;
  readonly test: (request?: Fields) => Promise<Answer['body']>;
}

export interface OAuthWorld extends MailboxWorld {
  readonly issuer: AuthorizationServer;
  readonly createOAuthOrganization: (options?: {
    readonly credentials?: Fields;
    readonly profile?: Fields;
    readonly user?: string;
  }) => Promise<OAuthOrganization>;
  /** Ends a sign-in as the browser does that comes back with this query. */
  readonly callback: (query: string) => Promise<Answer>;
}

/** The hub with an authorization server, and mail servers that ask it about tokens. */
export const startOAuthWorld = async (): Promise<OAuthWorld> => {
  const issuer = await startAuthorizationServer(`${hubUrl}/v1/oauth/callback`);
  const { introspectionUrl } = issuer;
  let world: MailboxWorld;
  try {
    world = await startMailboxWorld({ oauth: { introspectionUrl, applicationScope } });
  } catch (error) {
    await issuer.stop();
    throw error;
  }
  const { api, mail } = world;
  const anybody = api.client(null);
  const callback = (query: string): Promise<Answer> => anybody('GET', `/v1/oauth/callback?${query}`);

  const createOAuthOrganization: OAuthWorld['createOAuthOrganization'] = async (options = {}) => {
    const organization = await api.createOrganization();
    const call = organization.as('admin');
    await call('PATCH', '/settings', { oauth: { allowedReturnUrls: ['https://crm.example/mailboxes'] } });
    const serverProfileId = await createProfile(organization, mail, {
      credentials: {
        source: 'mailbox',
        authentication: 'oauth2',
        issuer: issuer.issuer,
        clientId: issuer.clientId,
        clientSecret: issuer.clientSecret,
        ...options.credentials,
      },
      caCertificates: `${mail.caCertificate}${issuer.authority}`,
      ...options.profile,
    });
    const mailUser = findMailUser(mail, options.user ?? 'anna@contoso.example');
    const { mailboxId } = await createUserMailbox(organization, {
      externalId: 'u-17',
      mailUser,
      serverProfileId,
      credentials: {},
    });
    const signIn = async (): Promise<string> => {
      const { status, body } = await call('POST', `/mailboxes/${mailboxId}/oauth-connect`, { returnUrl });
      if (status !== 200) throw new Error(JSON.stringify(body));
      const back = await issuer.browse(body.authorizationUrl, hubUrl);
      return new URL(back).search.slice(1);
    };
    return {
      id: organization.id,
      as: organization.as,
      call,
      mailUser,
      mailboxId,
      serverProfileId,
      mailbox: async () => (await call('GET', `/mailboxes/${mailboxId}`)).body,
      signIn,
      connect: async () => new URL(String((await callback(await signIn())).headers['location'])),
      test: (request) => testMailbox(world, organization, mailboxId, request),
    };
  };

  return {
    ...world,
    issuer,
    createOAuthOrganization,
    callback,
    stop: async () => {
      await world.stop();
      await issuer.stop();
    },
  };
};
