import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { GrantStore } from '../../../shared/oauth/grant-store.ts';
import { createOAuthAccess } from '../../../shared/oauth/oauth-access.ts';
import { openClient } from '../../../shared/oauth/profile-client.ts';
import { serverProfileKind } from '../../../shared/server-profile/server-profile.ts';
import type { Credentials } from '../../../shared/transport/connection.ts';
import { createDialler } from '../../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../../shared/transport/host-policy.ts';
import { openImapSession } from '../../../shared/transport/imap/open-imap-session.ts';
import { openPop3Session } from '../../../shared/transport/pop3/open-pop3-session.ts';
import { openSmtpSession } from '../../../shared/transport/smtp/open-smtp-session.ts';
import { eventually } from '../../support/eventually.ts';
import { loadOrganization } from '../../support/synchronized-mailbox.ts';
import { type OAuthOrganization, type OAuthWorld, startOAuthWorld } from './oauth-world.ts';

let world: OAuthWorld;

beforeAll(async () => {
  world = await startOAuthWorld();
});

afterAll(async () => {
  await world?.stop();
});

afterEach(() => {
  Object.assign(world.issuer.behaviour, {
    rotates: true,
    tokenStatus: undefined,
    accessTokenSeconds: 600,
  });
});

/** So short that no login can use a token again. */
const shortSeconds = 5;

/** What a function of the hub works with to log a mailbox in; each call stands for another process. */
const openProcess = async ({ id, mailboxId, serverProfileId }: OAuthOrganization) => {
  const { services } = world.api;
  const { store, vault, authorizationServers: servers, now } = services;
  const organization = await loadOrganization(services, id);
  const mailbox = await store.get(mailboxKind, id, mailboxId);
  const profile = await store.get(serverProfileKind, id, serverProfileId);
  if (mailbox === undefined || profile === undefined) throw new Error('The mailbox is not there');
  const access = createOAuthAccess({ store, vault, servers, now });
  const place = { organization, holderId: mailboxId, connectionId: mailbox.oauth?.connectionId ?? '' };
  return {
    tokens: access.mailboxTokens(organization, mailbox, profile),
    grants: new GrantStore(store.table, vault),
    place,
  };
};

/** A connected mailbox, tested and enabled; its first access token has ended when `ended`. */
const connected = async (ended: boolean): Promise<OAuthOrganization> => {
  const organization = await world.createOAuthOrganization();
  world.issuer.behaviour.accessTokenSeconds = ended ? shortSeconds : 600;
  await organization.connect();
  world.issuer.behaviour.accessTokenSeconds = 600;
  return organization;
};

const enabled = async (): Promise<OAuthOrganization> => {
  const organization = await connected(false);
  await organization.test();
  await world.runIncoming();
  return organization;
};

const synchronize = async ({ call, mailboxId }: OAuthOrganization) => {
  const { body } = await call('POST', `/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] });
  return eventually(
    async () => {
      await world.runIncoming();
      const operation = (await call('GET', `/operations/${body.id}`)).body;
      return ['queued', 'running'].includes(operation.status) ? undefined : operation;
    },
    { what: 'the run has ended' },
  );
};

const openAlerts = async ({ call, mailboxId }: OAuthOrganization): Promise<readonly Record<string, unknown>[]> =>
  (await call('GET', `/alerts?status=open&mailboxId=${mailboxId}`)).body.data;

const refreshes = () => world.issuer.tokenRequests.filter((grantType) => grantType === 'refresh_token').length;

describe('an access token that has ended', () => {
  it('is replaced by one process, however many need it: a refresh token is good once', async () => {
    const organization = await connected(true);
    const processes = await Promise.all(Array.from({ length: 8 }, () => openProcess(organization)));
    const before = refreshes();

    const tokens = await Promise.all(processes.map((one) => one.tokens.current()));
    const later = await processes[0]?.tokens.current();

    expect(new Set([...tokens, later]).size).toBe(1);
    expect(refreshes() - before).toBe(1);
    expect((await organization.mailbox()).oauth.status).toBe('connected');
  });

  it('is used as long as it holds while another process asks for the next', async () => {
    const organization = await connected(false);
    const first = await openProcess(organization);
    const present = await first.tokens.current();
    const stored = await first.grants.read(first.place);
    if (stored === undefined) throw new Error('There is no grant');

    await first.grants.acquire(first.place, stored.grant, Date.now());
    const meanwhile = await (await openProcess(organization)).tokens.current();

    expect(meanwhile).toBe(present);
  });
});

describe('a token that the mail server refuses before its time', () => {
  it('is replaced once, and the run goes on as if nothing were', async () => {
    const organization = await enabled();
    const before = refreshes();
    await world.issuer.revoke(organization.mailUser.address, 'accessTokens');

    const operation = await synchronize(organization);

    expect(operation.status).toBe('succeeded');
    expect(refreshes() - before).toBe(1);
    expect((await organization.mailbox()).workloads.incoming).toMatchObject({ state: 'enabled', fault: null });
    expect(await openAlerts(organization)).not.toContainEqual(expect.objectContaining({ level: 'warning' }));
  });

  it('and cannot be replaced tells that the access was revoked, asks again, and comes back with a new sign-in', async () => {
    const organization = await enabled();
    await world.issuer.revoke(organization.mailUser.address, 'everything');

    await synchronize(organization);
    const revoked = await organization.mailbox();
    const alerts = await openAlerts(organization);
    const end = await organization.connect();
    await world.runIncoming();

    expect(revoked.oauth).toMatchObject({ status: 'revoked', account: organization.mailUser.address });
    expect(revoked.workloads.incoming).toMatchObject({ state: 'retrying', fault: { code: 'oauthRevoked' } });
    expect(alerts).toContainEqual(
      expect.objectContaining({ code: 'oauthRevoked', whoActs: 'mailboxOwner', level: 'warning' }),
    );
    expect(end.searchParams.get('status')).toBe('connected');
    const after = await organization.mailbox();
    expect(after.oauth.status).toBe('connected');
    expect(after.workloads.incoming).toMatchObject({ state: 'enabled', fault: null });
    expect(await openAlerts(organization)).not.toContainEqual(expect.objectContaining({ code: 'oauthRevoked' }));
  });
});

describe('every protocol', () => {
  it.each(['IMAP', 'SMTP', 'POP3'] as const)(
    '%s replaces a refused token once, and then believes it',
    async (protocol) => {
      const organization = await connected(false);
      const { tokens } = await openProcess(organization);
      const { mail } = world;
      const dialler = createDialler(createHostPolicy(['127.0.0.0/8']));
      const open = (renewed: () => Promise<string>) => {
        const credentials: Credentials = {
          authentication: 'oauth2',
          username: organization.mailUser.address,
          tokens: { current: async () => 'n0t-a-token', renew: renewed },
        };
        const target = { caCertificates: mail.caCertificate, timeoutSeconds: 10 };
        const options = { deadline: Date.now() + 20_000 };
        if (protocol === 'IMAP') return openImapSession({ ...target, ...mail.imap }, credentials, dialler, options);
        if (protocol === 'SMTP')
          return openSmtpSession({ ...target, ...mail.submission }, credentials, dialler, options);
        return openPop3Session({ ...target, ...mail.pop3 }, credentials, dialler, options);
      };

      await (await open(() => tokens.current())).close();

      await expect(open(async () => 'neither-1s-this')).rejects.toMatchObject({
        class: 'refused',
        level: 'mailbox',
        fault: { code: 'authenticationFailed', cause: expect.stringContaining('does not accept the access token') },
      });
    },
  );
});

describe('a grant that has ended by itself', () => {
  it('is told as expired', async () => {
    const organization = await connected(true);
    await world.issuer.revoke(organization.mailUser.address, 'everything');

    const { result } = await organization.test();

    expect(result.workloads.incoming).toMatchObject({
      status: 'failure',
      fault: { code: 'oauthExpired', whoActs: 'mailboxOwner' },
    });
    expect((await organization.mailbox()).oauth.status).toBe('expired');
  });
});

describe('a process that dies between the answer of the issuer and its writing', () => {
  /** Uses the refresh token up as that process did, and leaves the lease that it took. */
  const die = async (organization: OAuthOrganization): Promise<void> => {
    const { services } = world.api;
    const { grants, place } = await openProcess(organization);
    const stored = await grants.read(place);
    const profile = await services.store.get(serverProfileKind, organization.id, organization.serverProfileId);
    if (stored?.tokens?.refreshToken == null || profile === undefined) throw new Error('There is no refresh token');
    await grants.acquire(place, stored.grant, Date.now() - 3_600_000);
    const client = await openClient(services.vault, place.organization, profile);
    await services.authorizationServers.refresh(client, stored.tokens.refreshToken);
  };

  it('costs nothing where the issuer takes the refresh token again', async () => {
    world.issuer.behaviour.rotates = false;
    const organization = await connected(true);
    await die(organization);

    const token = await (await openProcess(organization)).tokens.current();

    expect(token).not.toBe('');
    expect((await organization.mailbox()).oauth.status).toBe('connected');
  });

  it('costs a new sign-in where it is good once only, and the owner is told why', async () => {
    const organization = await connected(true);
    await die(organization);

    const { result } = await organization.test();

    expect(result.workloads.incoming.fault).toMatchObject({
      code: 'oauthExpired',
      cause: expect.stringContaining('An answer of the authorization server was lost'),
    });
    expect((await organization.mailbox()).oauth.status).toBe('expired');
    expect((await organization.connect()).searchParams.get('status')).toBe('connected');
  });
});

describe('an issuer that does not answer', () => {
  it('does not matter while a token holds, and then pauses the profile and no mailbox', async () => {
    const organization = await enabled();
    world.issuer.behaviour.tokenStatus = 503;

    const unharmed = await synchronize(organization);
    await world.issuer.revoke(organization.mailUser.address, 'accessTokens');
    await synchronize(organization);
    const health = await organization.call('GET', `/server-profiles/${organization.serverProfileId}/health`);

    expect(unharmed.status).toBe('succeeded');
    expect(health.body).toMatchObject({ status: 'paused', fault: { code: 'serverError' } });
    expect((await organization.mailbox()).workloads.incoming.state).toBe('enabled');
    expect((await organization.mailbox()).oauth.status).toBe('connected');
  });

  it('answers whoever begins a sign-in that it is away', async () => {
    const organization = await world.createOAuthOrganization({
      credentials: { issuer: 'https://127.0.0.1:9' },
    });

    const { status, body } = await organization.call('POST', `/mailboxes/${organization.mailboxId}/oauth-connect`, {
      returnUrl: 'https://crm.example/mailboxes',
    });

    expect([status, body.code, body.fault.code]).toEqual([503, 'unavailable', 'connectFailed']);
  });

  it('and refuses the client is a fault of the profile', async () => {
    const organization = await world.createOAuthOrganization();
    await organization.connect();
    await organization.call('PATCH', `/server-profiles/${organization.serverProfileId}`, {
      credentials: { clientSecret: 'wr0ng-secret' },
    });
    const process = await openProcess(organization);

    const renewing = process.tokens.renew(await process.tokens.current());

    await expect(renewing).rejects.toMatchObject({
      level: 'profile',
      fault: { code: 'authenticationFailed', fix: expect.stringContaining('clientSecret') },
    });
    expect((await organization.mailbox()).oauth.status).toBe('connected');
  });
});
