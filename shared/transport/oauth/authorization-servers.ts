import type * as oauthLibrary from 'oauth4webapi';
import * as z from 'zod';
import type { Dialler } from '../connection.ts';
import { createDialledFetch } from '../http/dialled-fetch.ts';
import { classifyOAuthError } from './classify-oauth-error.ts';
import type { OAuthClient, TokenAnswer } from './oauth-client.ts';

type Library = typeof oauthLibrary;
type Metadata = oauthLibrary.AuthorizationServer;

/** What the library hands to the function that fetches. */
interface LibraryRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What a sign-in is bound to, from its beginning to its end. */
export interface SignIn {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly codeVerifier: string;
}

/** Asks authorization servers. Each call throws TransportError; GrantRefused where a grant is gone. */
export interface AuthorizationServers {
  /** Where a person's browser is sent to sign in. */
  authorizationUrl(client: OAuthClient, signIn: SignIn, loginHint?: string): Promise<string>;
  /** The end of a sign-in; `account` is the address that signed in, undefined when the issuer does not say. */
  exchange(
    client: OAuthClient,
    signIn: SignIn,
    callback: URLSearchParams,
  ): Promise<TokenAnswer & { readonly account: string | undefined }>;
  /** The end of a sign-in that wants to know who the person is and nothing else: the claims about them. */
  identify(client: OAuthClient, signIn: SignIn, callback: URLSearchParams): Promise<Claims>;
  refresh(client: OAuthClient, refreshToken: string): Promise<TokenAnswer>;
  /** A token for the application itself. */
  application(client: OAuthClient): Promise<TokenAnswer>;
  /** Does nothing where the issuer offers no revocation. */
  revoke(client: OAuthClient, refreshToken: string): Promise<void>;
}

/** What an issuer says of a person (OpenID Connect Core section 2). */
export type Claims = Readonly<Record<string, unknown>>;

const limitBytes = 1024 * 1024;
const metadataMilliseconds = 3_600_000;
const usualSeconds = 3_600;

const issuerSchema = z.object({ issuer: z.url() });

/** What a document of metadata calls its issuer; undefined when it is none. */
const namedIssuer = (text: string): URL | undefined => {
  try {
    return new URL(issuerSchema.parse(JSON.parse(text)).issuer);
  } catch {
    return undefined;
  }
};

const timesSchema = z.object({
  expires_in: z.coerce.number().positive().catch(usualSeconds),
  // Not standardised; Google and Keycloak say it so, the latter with 0 for never.
  refresh_token_expires_in: z.coerce.number().positive().optional().catch(undefined),
  refresh_expires_in: z.coerce.number().positive().optional().catch(undefined),
});

const toAnswer = (answer: oauthLibrary.TokenEndpointResponse): TokenAnswer => {
  const times = timesSchema.parse(answer);
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresInSeconds: times.expires_in,
    refreshExpiresInSeconds: times.refresh_token_expires_in ?? times.refresh_expires_in,
    scopes: answer.scope?.split(' ').filter((scope) => scope !== ''),
  };
};

const accountOf = (claims: Claims, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = claims[name];
    if (typeof value !== 'string' || !value.includes('@')) continue;
    if (name === 'email' && claims['email_verified'] === false) continue;
    return value;
  }
  return undefined;
};

/** What all say together, the first before the others. An address and whether it is verified are of one of them. */
const joinClaims = (sources: readonly Claims[]): Claims => {
  const address =
    sources.find((claims) => claims['email'] !== undefined && claims['email_verified'] !== undefined) ??
    sources.find((claims) => claims['email'] !== undefined);
  const { email, email_verified } = address ?? {};
  return { ...Object.assign({}, ...sources.toReversed()), email, email_verified };
};

/** The library is loaded when it is first needed: most runs find a token that still holds. */
export const createAuthorizationServers = (
  dialler: Dialler,
  now: () => number,
  load: () => Promise<Library> = () => import('oauth4webapi'),
): AuthorizationServers => {
  const known = new Map<string, { readonly metadata: Promise<Metadata>; readonly until: number }>();

  const optionsOf = (library: Library, { caCertificates, timeoutSeconds, issuer }: OAuthClient) => {
    const fetch = createDialledFetch({ dialler, caCertificates, timeoutSeconds, limitBytes });
    return {
      [library.customFetch]: (url: string, { method, headers, body }: LibraryRequest) =>
        fetch(url, { method, headers, body: body instanceof URLSearchParams ? body : undefined }),
      // Such a profile was refused unless the deployment allows unprotected credentials.
      [library.allowInsecureRequests]: issuer.startsWith('http:'),
    };
  };

  const discover = async (library: Library, client: OAuthClient): Promise<Metadata> => {
    const issuer = new URL(client.issuer);
    const response = await library.discoveryRequest(issuer, optionsOf(library, client));
    if (!client.perTenant) return library.processDiscoveryResponse(issuer, response);
    // The tenant may be asked for by one of its domains and names itself by its id.
    const text = await response.text();
    const named = namedIssuer(text);
    const expected = named?.origin === issuer.origin ? named : issuer;
    return library.processDiscoveryResponse(expected, new Response(text, response));
  };

  const metadataOf = (library: Library, client: OAuthClient): Promise<Metadata> => {
    const key = JSON.stringify([client.issuer, client.caCertificates]);
    const cached = known.get(key);
    if (cached !== undefined && cached.until > now()) return cached.metadata;
    const metadata = discover(library, client);
    known.set(key, { metadata, until: now() + metadataMilliseconds });
    metadata.catch(() => known.delete(key));
    return metadata;
  };

  /** The ways to show the secret, in the order to try: which one a client is registered for, nobody tells. */
  const authenticationsOf = (library: Library, metadata: Metadata, { clientSecret }: OAuthClient) => {
    if (clientSecret === null) return [library.None()];
    const offered = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_post', 'client_secret_basic'];
    const post = offered.includes('client_secret_post') ? [library.ClientSecretPost(clientSecret)] : [];
    const basic = offered.includes('client_secret_basic') ? [library.ClientSecretBasic(clientSecret)] : [];
    return [...post, ...basic];
  };

  interface Call {
    readonly library: Library;
    readonly metadata: Metadata;
    readonly as: oauthLibrary.Client;
    readonly authentication: oauthLibrary.ClientAuth;
    readonly options: ReturnType<typeof optionsOf>;
  }

  /** `ask` may be called twice: a client is authenticated before anything else of a request is looked at. */
  const call = async <Answer>(client: OAuthClient, ask: (call: Call) => Promise<Answer>): Promise<Answer> => {
    try {
      const library = await load();
      const metadata = await metadataOf(library, client);
      const as = { client_id: client.clientId };
      const options = optionsOf(library, client);
      const authentications = authenticationsOf(library, metadata, client);
      for (const [index, authentication] of authentications.entries()) {
        try {
          return await ask({ library, metadata, as, authentication, options });
        } catch (error) {
          const refused = error instanceof library.ResponseBodyError && error.error === 'invalid_client';
          const challenged = error instanceof library.WWWAuthenticateChallengeError && error.status === 401;
          if (!(refused || challenged) || index + 1 === authentications.length) throw error;
        }
      }
      throw new Error('The token endpoint takes no client secret');
    } catch (error) {
      throw classifyOAuthError(error, client.issuer);
    }
  };

  /** The code of the callback for tokens and an ID token, its nonce checked. */
  const redeem = async (made: Call, signIn: SignIn, callback: URLSearchParams) => {
    const { library, metadata, as, authentication, options } = made;
    const parameters = library.validateAuthResponse(metadata, as, callback, signIn.state);
    const response = await library.authorizationCodeGrantRequest(
      metadata,
      as,
      authentication,
      parameters,
      signIn.redirectUri,
      signIn.codeVerifier,
      options,
    );
    return library.processAuthorizationCodeResponse(metadata, as, response, {
      expectedNonce: signIn.nonce,
      requireIdToken: true,
    });
  };

  /** The ID token; where that does not say what is looked for, also what the UserInfo endpoint answers. */
  const readClaims = async (
    { library, metadata, as, options }: Call,
    answer: oauthLibrary.TokenEndpointResponse,
    suffices: (claims: Claims) => boolean,
  ): Promise<readonly Claims[]> => {
    const claims = library.getValidatedIdTokenClaims(answer);
    if (claims === undefined) return [];
    if (suffices(claims) || metadata.userinfo_endpoint === undefined) return [claims];
    const response = await library.userInfoRequest(metadata, as, answer.access_token, options);
    return [claims, await library.processUserInfoResponse(metadata, as, claims.sub, response)];
  };

  return {
    authorizationUrl: (client, signIn, loginHint) =>
      call(client, async ({ library, metadata }) => {
        const endpoint = metadata.authorization_endpoint;
        if (endpoint === undefined || !/^https?:$/.test(new URL(endpoint).protocol))
          throw new Error('It has no authorization endpoint');
        const offered = metadata.scopes_supported;
        // Where it is not known it would be refused; such issuers have ways of their own to ask for a refresh token.
        const scopes = client.scopes.filter(
          (scope) => scope !== 'offline_access' || offered === undefined || offered.includes(scope),
        );
        const url = new URL(endpoint);
        const parameters = {
          ...client.authorizationParameters,
          client_id: client.clientId,
          response_type: 'code',
          redirect_uri: signIn.redirectUri,
          scope: scopes.join(' '),
          state: signIn.state,
          nonce: signIn.nonce,
          code_challenge: await library.calculatePKCECodeChallenge(signIn.codeVerifier),
          code_challenge_method: 'S256',
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        };
        for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
        return url.href;
      }),
    exchange: (client, signIn, callback) =>
      call(client, async (made) => {
        const answer = await redeem(made, signIn, callback);
        const accountIn = (claims: Claims) => accountOf(claims, client.accountClaims);
        const sources = await readClaims(made, answer, (claims) => accountIn(claims) !== undefined);
        return { ...toAnswer(answer), account: sources.map(accountIn).find((account) => account !== undefined) };
      }),
    identify: (client, signIn, callback) =>
      call(client, async (made) => {
        const answer = await redeem(made, signIn, callback);
        return joinClaims(
          await readClaims(made, answer, (claims) => client.accountClaims.every((name) => claims[name] !== undefined)),
        );
      }),
    refresh: (client, refreshToken) =>
      call(client, async ({ library, metadata, as, authentication, options }) => {
        const response = await library.refreshTokenGrantRequest(metadata, as, authentication, refreshToken, options);
        return toAnswer(await library.processRefreshTokenResponse(metadata, as, response));
      }),
    application: (client) =>
      call(client, async ({ library, metadata, as, authentication, options }) => {
        const scope = new URLSearchParams(client.scopes.length === 0 ? {} : { scope: client.scopes.join(' ') });
        const response = await library.clientCredentialsGrantRequest(metadata, as, authentication, scope, options);
        return toAnswer(await library.processClientCredentialsResponse(metadata, as, response));
      }),
    revoke: (client, refreshToken) =>
      call(client, async ({ library, metadata, as, authentication, options }) => {
        if (metadata.revocation_endpoint === undefined) return;
        const hinted = { ...options, additionalParameters: { token_type_hint: 'refresh_token' } };
        const response = await library.revocationRequest(metadata, as, authentication, refreshToken, hinted);
        await library.processRevocationResponse(response);
      }),
  };
};
