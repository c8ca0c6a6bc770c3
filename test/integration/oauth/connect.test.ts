import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEventReader } from '../read-events.ts';
import { type OAuthWorld, returnUrl, startOAuthWorld } from './oauth-world.ts';

let world: OAuthWorld;

beforeAll(async () => {
  world = await startOAuthWorld();
});

afterAll(async () => {
  await world?.stop();
});

afterEach(() => {
  world.issuer.behaviour.account = undefined;
  world.issuer.behaviour.refuses = false;
});

const grantsOf = async (organizationId: string) =>
  (await world.api.allRecords()).filter((item) => item['pk'] === `${organizationId}#oauthGrant`);

describe('a mailbox whose owner signs in', () => {
  it('is connected to the account of its address, and reads and sends by access tokens', async () => {
    const { mailbox, call, mailboxId, connect, test, mailUser } = await world.createOAuthOrganization();
    const before = await mailbox();
    const askedAt = Date.now();
    const started = await call('POST', `/mailboxes/${mailboxId}/oauth-connect`, { returnUrl });
    const answeredAt = Date.now();

    const end = await connect();
    const operation = await test();

    expect(before.oauth).toEqual({ status: 'notConnected', account: null, scopes: [], expiresAt: null });
    const asked = new URL(started.body.authorizationUrl);
    expect(asked.href.startsWith(world.issuer.issuer)).toBe(true);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'hub',
      redirect_uri: 'https://hub.example/v1/oauth/callback',
      scope: 'openid email offline_access',
      code_challenge_method: 'S256',
      login_hint: mailUser.address,
    });
    expect(Date.parse(started.body.expiresAt)).toBeGreaterThanOrEqual(askedAt + 600_000);
    expect(Date.parse(started.body.expiresAt)).toBeLessThanOrEqual(answeredAt + 600_000);
    expect(end.href).toBe(`${returnUrl}?status=connected`);
    expect((await mailbox()).oauth).toMatchObject({ status: 'connected', account: mailUser.address });
    expect(operation.result.workloads).toMatchObject({
      incoming: { status: 'success', enabled: true },
      outgoing: { status: 'success', enabled: true },
    });
  });

  it('is read by POP3, too', async () => {
    const { connect, test } = await world.createOAuthOrganization({
      profile: { kind: 'pop3Smtp', incoming: { protocol: 'pop3', ...world.mail.pop3 } },
    });
    await connect();

    const { result } = await test();

    expect(result.workloads).toMatchObject({
      incoming: { status: 'success', enabled: true },
      outgoing: { status: 'success', enabled: true },
    });
  });

  it('keeps tokens out of the table, of answers, of the feed and of logs', async () => {
    const secrets: string[] = [];
    const { id, call, connect, test, signIn } = await world.createOAuthOrganization();
    const readEvents = await createEventReader();
    await connect();
    await test();
    secrets.push(new URLSearchParams(await signIn()).get('code') ?? '');

    const seen = JSON.stringify([
      await world.api.allRecords(),
      (await call('GET', '/mailboxes')).body,
      await readEvents(call),
      world.api.log,
      world.log,
    ]);

    const [grant] = await grantsOf(id);
    expect(grant).toMatchObject({ grant: { tokens: { sealed: expect.stringMatching(/^v1\$/) } } });
    for (const secret of [...secrets, world.issuer.clientSecret]) expect(seen).not.toContain(secret);
    for (const token of world.issuer.issuedTokens) expect(seen).not.toContain(token);
    expect(world.issuer.issuedTokens.length).toBeGreaterThan(1);
  });

  it('is refused when another account signs in: nothing is stored', async () => {
    const { id, connect, mailbox } = await world.createOAuthOrganization();
    world.issuer.behaviour.account = 'ben@contoso.example';

    const end = await connect();

    expect(Object.fromEntries(end.searchParams)).toEqual({ status: 'failed', code: 'oauthAccountMismatch' });
    expect((await mailbox()).oauth.status).toBe('notConnected');
    expect(await grantsOf(id)).toEqual([]);
  });

  it('is told when the person refuses, or changed the mailbox meanwhile', async () => {
    const { connect, call, mailboxId, signIn } = await world.createOAuthOrganization();
    world.issuer.behaviour.refuses = true;
    const refused = await connect();
    world.issuer.behaviour.refuses = false;
    const query = await signIn();
    await call('PATCH', `/mailboxes/${mailboxId}`, { emailAddress: 'somebody@contoso.example' });

    const outdated = await world.callback(query);

    expect(refused.searchParams.get('code')).toBe('accessDenied');
    expect(outdated.headers['location']).toBe(`${returnUrl}?status=failed&code=invalidState`);
  });

  it('loses its connection with its address', async () => {
    const { id, connect, call, mailboxId } = await world.createOAuthOrganization();
    await connect();

    const { body } = await call('PATCH', `/mailboxes/${mailboxId}`, { emailAddress: 'moved@contoso.example' });

    expect(body.oauth).toEqual({ status: 'notConnected', account: null, scopes: [], expiresAt: null });
    expect(await grantsOf(id)).toEqual([]);
  });
});

describe('the return from a sign-in', () => {
  it('counts once, and within ten minutes', async () => {
    const { signIn } = await world.createOAuthOrganization();
    const query = await signIn();
    const late = await signIn();

    const first = await world.callback(query);
    const second = await world.callback(query);
    world.api.advance(601_000);
    const third = await world.callback(late);

    expect([first.status, first.headers['location']]).toEqual([302, `${returnUrl}?status=connected`]);
    expect([second.status, second.headers['location']]).toEqual([302, `${returnUrl}?status=failed&code=invalidState`]);
    expect([third.status, third.headers['location']]).toEqual([302, `${returnUrl}?status=failed&code=invalidState`]);
  });

  it('of a state that nobody knows goes nowhere', async () => {
    const { id } = await world.createOAuthOrganization();

    for (const state of ['', 'x', `${id}.${'A'.repeat(43)}`, `${id}.../..`, `org_0000000000000000.${'A'.repeat(43)}`]) {
      const answer = await world.callback(`code=1&state=${encodeURIComponent(state)}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalidRequest']);
      expect(answer.headers['location']).toBeUndefined();
    }
  });

  it('leads only where the organization allows', async () => {
    const { call, mailboxId } = await world.createOAuthOrganization();
    const ask = (url: string) => call('POST', `/mailboxes/${mailboxId}/oauth-connect`, { returnUrl: url });

    for (const url of [
      'https://evil.example/mailboxes',
      'https://crm.example/',
      'https://crm.example/mailboxes/../admin',
      'https://crm.example.evil.example/mailboxes',
      'https://crm.example@evil.example/mailboxes',
      'http://crm.example/mailboxes',
      'javascript:alert(1)//crm.example/mailboxes',
    ]) {
      const answer = await ask(url);
      expect([url, answer.status, answer.body.code]).toEqual([url, 400, 'returnUrlNotAllowed']);
    }
    expect((await ask('https://crm.example/mailboxes?tab=mail')).status).toBe(200);
  });
});

describe('disconnecting', () => {
  it('revokes the tokens at the issuer and forgets them', async () => {
    const { id, connect, call, mailboxId, mailbox, as } = await world.createOAuthOrganization();
    await connect();

    const forbidden = await as('reader')('DELETE', `/mailboxes/${mailboxId}/oauth`);
    const stale = await call('DELETE', `/mailboxes/${mailboxId}/oauth`, undefined, { 'if-match': '"1"' });
    const done = await call('DELETE', `/mailboxes/${mailboxId}/oauth`);
    const again = await call('DELETE', `/mailboxes/${mailboxId}/oauth`);

    expect([forbidden.status, stale.status, done.status, again.status]).toEqual([403, 412, 204, 204]);
    expect((await mailbox()).oauth.status).toBe('notConnected');
    expect(await grantsOf(id)).toEqual([]);
    expect(world.issuer.revocations).toBeGreaterThan(0);
  });

  it('is done by whoever has no tokens to lose, too', async () => {
    const { call, mailboxId, test } = await world.createOAuthOrganization();

    expect((await call('DELETE', `/mailboxes/${mailboxId}/oauth`)).status).toBe(204);
    const { result } = await test();
    expect(result.workloads.incoming).toMatchObject({
      status: 'failure',
      fault: { code: 'authenticationFailed', detail: 'The mailbox is not connected', whoActs: 'mailboxOwner' },
      steps: expect.arrayContaining([expect.objectContaining({ name: 'authenticate', status: 'failure' })]),
    });
  });
});

describe('an application', () => {
  const application = (allowedMailboxes: readonly string[]) => ({
    credentials: { source: 'application', scopes: ['application'], allowedMailboxes },
  });

  it('opens the mailboxes on its list without anybody signing in', async () => {
    const { test, call, serverProfileId } = await world.createOAuthOrganization(application(['@Contoso.example']));

    const { result } = await test();
    const started = await call('POST', `/server-profiles/${serverProfileId}/test`, {});
    const profileTest = await world.finish(call, started.body.id);

    expect(result.workloads).toMatchObject({
      incoming: { status: 'success', enabled: true },
      outgoing: { status: 'success', enabled: true },
    });
    expect(profileTest.result.workloads).toMatchObject({
      incoming: { status: 'success' },
      outgoing: { status: 'success' },
    });
  });

  it('whose secret is wrong fails the test of its profile', async () => {
    const { call, serverProfileId } = await world.createOAuthOrganization(application(['@contoso.example']));
    await call('PATCH', `/server-profiles/${serverProfileId}`, { credentials: { clientSecret: 'wr0ng-secret' } });

    const started = await call('POST', `/server-profiles/${serverProfileId}/test`, {});
    const { result } = await world.finish(call, started.body.id);

    expect(result.workloads.incoming).toMatchObject({
      status: 'failure',
      fault: { code: 'authenticationFailed', fix: expect.stringContaining('clientSecret') },
      steps: expect.arrayContaining([expect.objectContaining({ name: 'authenticate', status: 'failure' })]),
    });
  });

  it('opens no other mailbox, and asks no one to sign in', async () => {
    const { test, call, mailboxId } = await world.createOAuthOrganization(application(['ben@contoso.example']));

    const { result } = await test();
    const connect = await call('POST', `/mailboxes/${mailboxId}/oauth-connect`, { returnUrl });

    expect(result.workloads.incoming).toMatchObject({ status: 'failure', fault: { code: 'accessDenied' } });
    expect(result.workloads.incoming.fault.fix).toContain('allowedMailboxes');
    expect([connect.status, connect.body.code]).toEqual([409, 'notSupported']);
  });
});
