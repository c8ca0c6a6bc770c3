import type { AuthorizationServers } from '../transport/oauth/authorization-servers.ts';
import { GrantRefused, type OAuthClient, type TokenAnswer } from '../transport/oauth/oauth-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import { type GrantStore, leaseMilliseconds, type StoredGrant } from './grant-store.ts';
import { type GrantPlace, type OAuthGrant, type OAuthTokens, timesOf } from './oauth-grant.ts';

/** How the grant of a mailbox and that of an application differ. */
export interface GrantSource {
  readonly place: GrantPlace;
  readonly openClient: () => Promise<OAuthClient>;
  /** Asks the issuer for tokens in the place of these. @throws TransportError, GrantRefused */
  readonly ask: (client: OAuthClient, tokens: OAuthTokens | undefined) => Promise<TokenAnswer>;
  /** A grant to begin with where there is none yet; undefined: somebody has to sign in first. */
  readonly begin: (() => OAuthGrant) | undefined;
  /** Seconds that an item is kept past the end of its token; undefined: for ever. */
  readonly keptSeconds: number | undefined;
  /** Told when new tokens came. */
  readonly onRenewed: (grant: OAuthGrant) => Promise<void>;
  /** Told that the issuer gives none any more; what it returns is what the system acts on. */
  readonly onRefused: (refusal: GrantRefused, stored: StoredGrant, refused: boolean) => Promise<TransportError>;
  /** Whether the grant is of the issuer and client that the profile names now. */
  readonly isOf: (grant: OAuthGrant) => boolean;
  /** There is no grant of use. */
  readonly missing: (detail: string) => TransportError;
}

export interface TokenDependencies {
  readonly grants: GrantStore;
  readonly servers: AuthorizationServers;
  readonly now: () => Date;
}

const lookAgainMilliseconds = 250;
/** How long a run waits for another one that asks the issuer. */
const patienceMilliseconds = leaseMilliseconds + 5_000;
/** A token is used for a login at once; less than this is too near its end. */
const leastMilliseconds = 10_000;
const writeAttempts = 6;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const isUsable = ({ grant, tokens }: StoredGrant, refused: string | undefined, at: number): boolean =>
  tokens !== undefined && tokens.accessToken !== refused && at + leastMilliseconds < grant.endsAt;

/** The answer was perhaps given and did not arrive. */
const isUncertain = (error: unknown): boolean =>
  error instanceof TransportError && ['connectFailed', 'timedOut', 'serverError'].includes(error.fault.code);

/** What broke off may be asked again at once: where a refresh token is good once only, issuers forgive it for moments. */
const askTwice = async (source: GrantSource, client: OAuthClient, tokens: OAuthTokens | undefined) => {
  try {
    return await source.ask(client, tokens);
  } catch (error) {
    if (!(error instanceof TransportError) || error.fault.code !== 'connectFailed') throw error;
    return source.ask(client, tokens);
  }
};

/** The issuer's answer exists nowhere else: it is written in spite of a table that refuses for a while. */
const saveAnswer = async (
  { grants }: TokenDependencies,
  source: GrantSource,
  holder: string,
  next: OAuthGrant,
): Promise<boolean> => {
  const expiresAt = source.keptSeconds === undefined ? undefined : Math.ceil(next.endsAt / 1000) + source.keptSeconds;
  for (let attempt = 1; ; attempt += 1)
    try {
      return await grants.save(source.place, holder, next, expiresAt);
    } catch (error) {
      if (attempt === writeAttempts) throw error;
      await pause(2 ** attempt * 50);
    }
};

/** Asks the issuer as the holder of the lease; undefined when the grant was replaced meanwhile. */
const renew = async (
  deps: TokenDependencies,
  source: GrantSource,
  stored: StoredGrant,
  holder: string,
  refused: string | undefined,
): Promise<string | undefined> => {
  const { grants, now } = deps;
  const uncertain = stored.grant.uncertain === true || stored.grant.lease !== undefined;
  let answer: TokenAnswer;
  const askedAt = now().getTime();
  try {
    answer = await askTwice(source, await source.openClient(), stored.tokens);
  } catch (error) {
    await grants.release(source.place, holder, uncertain || isUncertain(error));
    if (error instanceof GrantRefused)
      throw await source.onRefused(
        error,
        { ...stored, grant: { ...stored.grant, uncertain } },
        refused !== undefined && askedAt < stored.grant.endsAt,
      );
    // An issuer that is away does not matter before the token at hand has ended.
    const { tokens } = stored;
    if (tokens !== undefined && isUsable(stored, refused, now().getTime())) return tokens.accessToken;
    throw error;
  }
  const tokens: OAuthTokens = {
    accessToken: answer.accessToken,
    refreshToken: answer.refreshToken ?? stored.tokens?.refreshToken ?? null,
  };
  const { issuer, clientId, generation, refreshEndsAt } = stored.grant;
  const next: OAuthGrant = {
    issuer,
    clientId,
    generation: generation + 1,
    tokens: await grants.seal(source.place, tokens, now()),
    ...(answer.refreshToken === undefined && refreshEndsAt !== undefined ? { refreshEndsAt } : {}),
    ...timesOf(answer, askedAt),
  };
  if (!(await saveAnswer(deps, source, holder, next))) return undefined;
  await source.onRenewed(next);
  return tokens.accessToken;
};

/**
 * An access token to log in with now: the one at hand, or a new one. Of all processes that need a new one at a time
 * only one asks the issuer, the others use the old one as long as it holds, or wait for the answer.
 *
 * @param refused a token that the mail server has refused although it should hold
 * @throws TransportError
 */
export const obtainAccessToken = async (
  deps: TokenDependencies,
  source: GrantSource,
  refused: string | undefined,
): Promise<string> => {
  const { grants, now } = deps;
  if (refused === undefined) {
    // A replica may be behind, with a token that holds all the same.
    const stored = await grants.read(source.place, 'eventual');
    const at = now().getTime();
    if (
      stored?.tokens !== undefined &&
      source.isOf(stored.grant) &&
      at < stored.grant.renewAt &&
      isUsable(stored, undefined, at)
    )
      return stored.tokens.accessToken;
  }
  const giveUpAt = now().getTime() + patienceMilliseconds;
  for (;;) {
    const stored = await grants.read(source.place);
    const at = now().getTime();
    if (stored === undefined) {
      if (source.begin === undefined) throw source.missing('The mailbox is not connected any more');
      const first = source.begin();
      await grants.begin(source.place, first, Math.ceil(at / 1000) + (source.keptSeconds ?? 0));
      continue;
    }
    const { grant, tokens } = stored;
    if (!source.isOf(grant)) throw source.missing('The mailbox was connected with another client or issuer');
    const usable = tokens !== undefined && isUsable(stored, refused, at) ? tokens.accessToken : undefined;
    if (usable !== undefined && at < grant.renewAt) return usable;
    const isAsked = grant.lease !== undefined && grant.lease.until > at;
    const holder = isAsked ? undefined : await grants.acquire(source.place, grant, at);
    if (holder !== undefined) {
      const renewed = await renew(deps, source, stored, holder, refused);
      if (renewed !== undefined) return renewed;
      continue;
    }
    if (usable !== undefined) return usable;
    if (at > giveUpAt)
      throw new TransportError('timedOut', {
        class: 'transient',
        level: 'mailbox',
        detail: 'Another run has been asking the authorization server for too long',
      });
    await pause(lookAgainMilliseconds);
  }
};
