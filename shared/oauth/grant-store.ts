import { randomUUID } from 'node:crypto';
import { type RecordsTable, WriteConditionError } from '../platform/records-table.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { SealedSecret } from '../platform/values.ts';
import {
  type GrantPlace,
  grantItem,
  grantKey,
  grantSchema,
  type OAuthGrant,
  type OAuthTokens,
  tokensPlace,
  tokensSchema,
} from './oauth-grant.ts';

/** Discovery and the token endpoint, each asked twice at most, answer or are given up within this time. */
export const leaseMilliseconds = 45_000;

export interface StoredGrant {
  readonly grant: OAuthGrant;
  readonly tokens: OAuthTokens | undefined;
}

/** The grants of mailboxes and applications, each refreshed by one process at a time. */
export class GrantStore {
  readonly #table: RecordsTable;
  readonly #vault: SecretVault;

  constructor(table: RecordsTable, vault: SecretVault) {
    this.#table = table;
    this.#vault = vault;
  }

  /** Strongly consistent unless `eventual` is asked for, at half the price. */
  async read(place: GrantPlace, consistency?: 'eventual'): Promise<StoredGrant | undefined> {
    const item = await this.#table.get(this.#key(place), consistency);
    if (item === undefined) return undefined;
    const grant = grantSchema.parse(item['grant']);
    const text = grant.tokens === undefined ? undefined : await this.#vault.open(tokensPlace(place), grant.tokens);
    return { grant, tokens: text === undefined ? undefined : tokensSchema.parse(JSON.parse(text)) };
  }

  seal(place: GrantPlace, tokens: OAuthTokens, now: Date): Promise<SealedSecret> {
    return this.#vault.seal(tokensPlace(place), JSON.stringify(tokens), now);
  }

  /** Begins a grant that has no tokens yet, unless there is one. */
  async begin(place: GrantPlace, grant: OAuthGrant, expiresAt: number): Promise<void> {
    await this.#settle([
      { put: { ...grantItem(place, grant), expiresAt }, condition: { expression: 'attribute_not_exists(pk)' } },
    ]);
  }

  /**
   * Takes the right to ask the issuer, if nobody has it and the grant is still the one that was read. The holder of an
   * expired lease has died, perhaps with the issuer's answer in hand.
   */
  async acquire(place: GrantPlace, grant: OAuthGrant, now: number): Promise<string | undefined> {
    const holder = randomUUID();
    const taken = await this.#settle([
      {
        update: this.#key(place),
        expression: 'SET #grant.lease = :lease, #grant.uncertain = :uncertain',
        names: { '#grant': 'grant', '#until': 'until' },
        values: {
          ':lease': { holder, until: now + leaseMilliseconds },
          ':uncertain': grant.uncertain === true || grant.lease !== undefined,
          ':generation': grant.generation,
          ':now': now,
        },
        condition:
          '#grant.generation = :generation AND (attribute_not_exists(#grant.lease) OR #grant.lease.#until <= :now)',
      },
    ]);
    return taken ? holder : undefined;
  }

  /** Puts the issuer's answer in the place of what was; false when the grant has gone or somebody else had the lease. */
  async save(place: GrantPlace, holder: string, next: OAuthGrant, expiresAt: number | undefined): Promise<boolean> {
    return this.#settle([
      {
        put: { ...grantItem(place, next), ...(expiresAt === undefined ? {} : { expiresAt }) },
        condition: {
          expression: '#grant.lease.holder = :holder AND #grant.generation = :previous',
          names: { '#grant': 'grant' },
          values: { ':holder': holder, ':previous': next.generation - 1 },
        },
      },
    ]);
  }

  /** Gives the lease back without an answer. `uncertain`: the issuer may have answered all the same. */
  async release(place: GrantPlace, holder: string, uncertain: boolean): Promise<void> {
    await this.#settle([
      {
        update: this.#key(place),
        expression: 'SET #grant.uncertain = :uncertain REMOVE #grant.lease',
        names: { '#grant': 'grant' },
        values: { ':holder': holder, ':uncertain': uncertain },
        condition: '#grant.lease.holder = :holder',
      },
    ]);
  }

  #key({ organization, holderId, connectionId }: GrantPlace) {
    return grantKey(organization.id, holderId, connectionId);
  }

  async #settle(writes: Parameters<RecordsTable['write']>[0]): Promise<boolean> {
    try {
      await this.#table.write(writes);
      return true;
    } catch (error) {
      if (error instanceof WriteConditionError) return false;
      throw error;
    }
  }
}
