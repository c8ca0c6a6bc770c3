import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, request } from 'node:https';
import { join } from 'node:path';
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { createCertificates } from '../../local/certificates.ts';
import { createRunDirectory } from '../../local/paths.ts';
import { choosePort } from '../../local/ports.ts';

/** How the server behaves from now on; tests change it as they go. */
export interface Behaviour {
  /** Who signs in, whatever the hint says; undefined: whom the hint names. */
  account: string | undefined;
  /** Whether the address of the person is said to be verified; undefined: nothing is said. */
  verified: boolean | undefined;
  /** What the claim `tenant` says; undefined: there is none. */
  tenant: string | undefined;
  /** The person refuses. */
  refuses: boolean;
  /** Each refresh token is good once. */
  rotates: boolean;
  /** Answers every request for tokens so, before it looks at it. */
  tokenStatus: number | undefined;
  accessTokenSeconds: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  /** PEM of the authority that signed its certificate. */
  readonly authority: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** For a mail server, which has a client of its own. */
  readonly introspectionUrl: string;
  readonly behaviour: Behaviour;
  /** Requests for tokens that were answered, by grant type. */
  readonly tokenRequests: string[];
  /** Every access and refresh token that it gave. */
  readonly issuedTokens: string[];
  /** Requests to revoke a token that it carried out. */
  readonly revocations: number;
  /** Has the browser of somebody go where the hub sends it, until it would come back to `backTo`. */
  readonly browse: (authorizationUrl: string, backTo: string) => Promise<string>;
  /** Ends access tokens before their time; with `everything` what they were made from, too. */
  readonly revoke: (account: string, what: 'accessTokens' | 'everything') => Promise<void>;
  readonly stop: () => Promise<void>;
}

const mailResource = 'urn:mail';
const scopes = 'mail application offline_access email';
const identityScope = 'openid email';
export const applicationScope = 'application';

const configurationOf = (redirectUri: string, secret: string, behaviour: Behaviour): Configuration => ({
  clients: [
    {
      client_id: 'hub',
      client_secret: secret,
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    { client_id: 'dovecot', client_secret: secret, grant_types: [], redirect_uris: [], response_types: [] },
  ],
  scopes: ['openid', 'offline_access', 'email', 'mail', applicationScope],
  claims: { openid: ['sub', 'tenant'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: id, email_verified: behaviour.verified, tenant: behaviour.tenant }),
  }),
  ttl: {
    AccessToken: () => behaviour.accessTokenSeconds,
    ClientCredentials: () => behaviour.accessTokenSeconds,
    RefreshToken: 3600,
    AuthorizationCode: 60,
    IdToken: 600,
    Interaction: 600,
    Session: 60,
    Grant: 3600,
  },
  rotateRefreshToken: () => behaviour.rotates,
  // What Dovecot takes for the login's name.
  extraTokenClaims: async (_context, token) => ('accountId' in token ? { username: token.accountId } : {}),
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    resourceIndicators: {
      enabled: true,
      // Who only asks who somebody is gets a token for the UserInfo endpoint.
      defaultResource: async (context) => (context.oidc.params?.['scope'] === identityScope ? [] : mailResource),
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({ scope: scopes, audience: mailResource, accessTokenFormat: 'opaque' }),
    },
  },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: [secret] },
});

/** Signs in and consents without anybody at the screen. */
const interact = async (
  provider: Provider,
  context: Pick<KoaContextWithOIDC, 'req' | 'res'>,
  behaviour: Behaviour,
): Promise<void> => {
  const { req, res } = context;
  const details = await provider.interactionDetails(req, res);
  const finish = (result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
  if (behaviour.refuses) return finish({ error: 'access_denied', error_description: 'the person refused' });
  const accountId = behaviour.account ?? String(details.params['login_hint']);
  if (details.prompt.name === 'login') return finish({ login: { accountId } });
  const grant = new provider.Grant({ accountId, clientId: String(details.params['client_id']) });
  grant.addOIDCScope(String(details.params['scope']));
  if (details.params['scope'] !== identityScope) grant.addResourceScope(mailResource, scopes);
  return finish({ consent: { grantId: await grant.save() } });
};

interface Seen {
  readonly tokenRequests: string[];
  readonly issuedTokens: string[];
  revocations: number;
}

const addBehaviour = (provider: Provider, behaviour: Behaviour, seen: Seen): void => {
  provider.use(async (context, next) => {
    if (context.path.startsWith('/interaction/')) return interact(provider, context, behaviour);
    if (context.path === '/token/revocation') seen.revocations += 1;
    if (context.path !== '/token') return next();
    if (behaviour.tokenStatus !== undefined) {
      context.status = behaviour.tokenStatus;
      context.body = 'no';
      return;
    }
    await next();
    const grantType = String(context.oidc?.params?.['grant_type']);
    seen.tokenRequests.push(grantType);
    const answer = context.body as Readonly<Record<string, unknown>>;
    for (const name of ['access_token', 'refresh_token'])
      if (typeof answer[name] === 'string') seen.issuedTokens.push(answer[name]);
  });
};

const listen = (server: ReturnType<typeof createHttpServer>, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

const close = (server: ReturnType<typeof createHttpServer>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** One step of a browser: where it is sent on to. */
const step = (url: URL, ca: string, cookies: Map<string, string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = request(url, { ca, agent: false, headers: { cookie } }, (answer) => {
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      answer.resume();
      const { location } = answer.headers;
      if (location === undefined) reject(new Error(`${url.pathname} answered ${answer.statusCode} and sends nowhere`));
      else resolve(new URL(location, url).href);
    });
    sent.once('error', reject);
    sent.end();
  });

/** An OpenID Connect server on loopback, by HTTPS for the hub and by HTTP for mail servers that ask about tokens. */
export const startAuthorizationServer = async (redirectUri: string): Promise<AuthorizationServer> => {
  const run = await createRunDirectory();
  const certificates = await createCertificates(join(run.path, 'certificates'));
  const [port, plainPort] = [await choosePort(), await choosePort()];
  const issuer = `https://127.0.0.1:${port}`;
  const clientSecret = 'authorization-server-s3cret';
  const behaviour: Behaviour = {
    account: undefined,
    verified: undefined,
    tenant: undefined,
    refuses: false,
    rotates: true,
    tokenStatus: undefined,
    accessTokenSeconds: 600,
  };
  const seen: Seen = { tokenRequests: [], issuedTokens: [], revocations: 0 };
  const provider = new Provider(issuer, configurationOf(redirectUri, clientSecret, behaviour));
  addBehaviour(provider, behaviour, seen);
  const grants = new Map<string, Set<string>>();
  provider.on('grant.success', ({ oidc }) => {
    const { accountId, grantId } = { accountId: oidc.account?.accountId ?? '', grantId: oidc.entities.Grant?.jti };
    if (grantId !== undefined) grants.set(accountId, (grants.get(accountId) ?? new Set()).add(grantId));
  });
  const secure = createHttpsServer(
    { key: await readFile(certificates.keyFile), cert: await readFile(certificates.certificateFile) },
    provider.callback(),
  );
  const plain = createHttpServer(provider.callback());
  await listen(secure, port);
  await listen(plain, plainPort);
  return {
    issuer,
    authority: certificates.authority,
    clientId: 'hub',
    clientSecret,
    introspectionUrl: `http://dovecot:${clientSecret}@127.0.0.1:${plainPort}/token/introspection`,
    behaviour,
    tokenRequests: seen.tokenRequests,
    issuedTokens: seen.issuedTokens,
    get revocations() {
      return seen.revocations;
    },
    browse: async (authorizationUrl, backTo) => {
      const cookies = new Map<string, string>();
      let url = authorizationUrl;
      while (!url.startsWith(backTo)) url = await step(new URL(url), certificates.authority, cookies);
      return url;
    },
    revoke: async (account, what) => {
      for (const value of seen.issuedTokens) {
        const token = await provider.AccessToken.find(value);
        if (token?.accountId === account) await token.destroy();
      }
      if (what === 'accessTokens') return;
      for (const grantId of grants.get(account) ?? []) await provider.RefreshToken.revokeByGrantId(grantId);
    },
    stop: async () => {
      await Promise.all([close(secure), close(plain)]);
      await run.remove();
    },
  };
};
