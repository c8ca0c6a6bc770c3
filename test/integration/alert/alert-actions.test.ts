import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AlertCause, raiseAlert } from '../../../shared/alert/raise-alert.ts';
import { type DeadLetter, deadLetterKind } from '../../../shared/dead-letter/dead-letter.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { type OAuthOrganization, type OAuthWorld, startOAuthWorld } from '../oauth/oauth-world.ts';
import { createEventReader } from '../read-events.ts';

let world: OAuthWorld;

beforeAll(async () => {
  world = await startOAuthWorld();
});

afterAll(async () => {
  await world?.stop();
});

type Cause = Pick<AlertCause, 'level' | 'scope' | 'fault' | 'subject'> & { readonly mailboxId?: string };

/** Raises an alert; its id. */
const raise = async ({ id: organizationId, call }: OAuthOrganization, cause: Cause): Promise<string> => {
  await raiseAlert(world.api.services.store, { organizationId, now: new Date(), ...cause });
  return (await call('GET', '/alerts?status=open')).body.data[0].id;
};

const ofMailbox = (mailboxId: string, code: Parameters<typeof createFault>[0], level: 'warning' | 'error') =>
  ({
    level,
    scope: 'mailbox',
    fault: createFault(code),
    subject: { type: 'mailbox', id: mailboxId },
    mailboxId,
  }) as const;

/** With a password for its login instead of a sign-in. */
const passwordOrganization = () =>
  world.createOAuthOrganization({ profile: { credentials: { source: 'mailbox', authentication: 'password' } } });

describe('an action of an alert', () => {
  it('tests and enables a mailbox whose password was corrected; the alert is answered once', async () => {
    const readEvents = await createEventReader();
    const organization = await passwordOrganization();
    const { call, mailboxId, mailUser } = organization;
    const id = await raise(organization, ofMailbox(mailboxId, 'authenticationFailed', 'error'));
    await call('PATCH', `/mailboxes/${mailboxId}`, {
      credentials: { username: mailUser.username, password: mailUser.password },
    });

    const notOffered = await call('POST', `/alerts/${id}/act`, { action: 'yes' });
    const forReaders = await organization.as('reader')('POST', `/alerts/${id}/act`, { action: 'testAndEnable' });
    const started = await call('POST', `/alerts/${id}/act`, { action: 'testAndEnable' });
    const again = await call('POST', `/alerts/${id}/act`, { action: 'testAndEnable' });
    const operation = await world.finish(call, started.body.id);

    expect([notOffered.status, notOffered.body.errors[0].code]).toEqual([400, 'notOffered']);
    expect(forReaders.status).toBe(403);
    expect(started.status).toBe(202);
    expect(started.headers['location']).toBe(`/v1/operations/${started.body.id}`);
    expect([again.status, again.body.code]).toEqual([409, 'alreadyAnswered']);
    expect(operation.result.workloads.incoming).toMatchObject({ status: 'success', enabled: true });
    expect((await call('GET', `/alerts/${id}`)).body).toMatchObject({
      status: 'answered',
      answer: { action: 'testAndEnable' },
    });
    const events = await readEvents(call);
    expect(events.filter(({ subject }) => subject.id === id).map(({ type }) => type)).toEqual([
      'alert.raised',
      'alert.answered',
    ]);
  });

  it('that is refused leaves the alert open', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId } = organization;
    const id = await raise(organization, ofMailbox(mailboxId, 'timedOut', 'warning'));

    const refused = await call('POST', `/alerts/${id}/act`, { action: 'retry' });

    expect([refused.status, refused.body.code]).toEqual([409, 'workloadNotEnabled']);
    expect((await call('GET', `/alerts/${id}`)).body.status).toBe('open');
  });

  it('has a mailbox that is tried again later read at once', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId, mailUser } = organization;
    const { username, password } = mailUser;
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { username, password } });
    await organization.test({ workloads: ['incoming'], sendTestMessage: false });
    const id = await raise(organization, ofMailbox(mailboxId, 'serverError', 'warning'));

    const { status, body } = await call('POST', `/alerts/${id}/act`, { action: 'retry' });
    await world.runIncoming();

    expect(status).toBe(202);
    expect(await world.finish(call, body.id)).toMatchObject({ kind: 'synchronize', status: 'succeeded' });
  });

  it('tries a paused server profile', async () => {
    const organization = await passwordOrganization();
    const { call, serverProfileId } = organization;
    const id = await raise(organization, {
      level: 'error',
      scope: 'profile',
      fault: createFault('connectFailed'),
      subject: { type: 'serverProfile', id: serverProfileId },
    });

    const { body } = await call('POST', `/alerts/${id}/act`, { action: 'retry' });

    expect(await world.finish(call, body.id)).toMatchObject({ kind: 'testServerProfile', status: 'succeeded' });
  });

  it('replays a dead letter', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId } = organization;
    const { store, content } = world.api.services;
    const raw = `From: a@b.example\r\nTo: ${organization.mailUser.address}\r\nMessage-ID: <1@b.example>\r\n\r\nHello`;
    const letterId = createIdentifier('ddl', Date.now());
    const at = new Date().toISOString();
    const rawKey = `${organization.id}/dead-letters/${letterId}.eml`;
    await content.put(rawKey, raw, 'message/rfc822');
    await store.create<DeadLetter>(deadLetterKind, organization.id, {
      id: letterId,
      version: 1,
      createdAt: at,
      updatedAt: at,
      kind: 'email',
      mailboxId,
      fault: createFault('unreadable'),
      attempts: 3,
      firstAt: at,
      lastAt: at,
      remote: { folder: 'INBOX', uidValidity: '1', uid: 7 },
      direction: 'incoming',
      receivedAt: at,
      decisionId: 'dec_0000000000000001',
      discardReason: null,
      keptUntil: new Date(Date.now() + 86_400_000).toISOString(),
      sizeBytes: raw.length,
      rawKey,
      status: 'open',
    });
    const id = await raise(organization, {
      level: 'error',
      scope: 'email',
      fault: createFault('unreadable'),
      subject: { type: 'deadLetter', id: letterId },
      mailboxId,
    });

    const { body } = await call('POST', `/alerts/${id}/act`, { action: 'retry' });
    const operation = await world.finish(call, body.id);

    expect(operation).toMatchObject({ kind: 'replayDeadLetter', status: 'succeeded' });
    expect((await call('GET', `/dead-letters/${letterId}`)).body.status).toBe('resolved');
  });

  it('sends a failed email again', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId, mailUser } = organization;
    const { username, password } = mailUser;
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { username, password } });
    await call('PATCH', '/settings', { outgoing: { allowUnresolvedRecipients: true } });
    await organization.test({ sendTestMessage: false });
    const outgoing = await loadLaneHandler('outgoing');
    const work = async (): Promise<void> => {
      while ((await runLaneBatch(outgoing, String(process.env['OUTGOING_QUEUE_URL']), { waitSeconds: 1 })) > 0);
    };
    const sent = await call('POST', '/emails', {
      from: { owner: 'ext:u-17' },
      to: [{ address: 'ben@contoso.example' }],
      subject: 'Our offer',
      send: true,
    });
    await work();
    const [alert] = (await call('GET', '/alerts?scope=email&status=open')).body.data;
    await call('PATCH', '/settings', { outgoing: { sandboxAllow: ['*'] } });

    const again = await call('POST', `/alerts/${alert.id}/act`, { action: 'retry' });
    await work();

    expect(alert).toMatchObject({ code: 'sandboxBlocked', actions: ['retry'], subject: { id: sent.body.id } });
    expect([again.status, again.body.status]).toEqual([202, 'pendingSend']);
    expect((await call('GET', `/emails/${sent.body.id}`)).body.status).toBe('sent');
    expect((await call('POST', `/alerts/${alert.id}/act`, { action: 'retry' })).body.code).toBe('alreadyAnswered');
  });

  it('leads to the sign-in of a mailbox as often as asked, until it has worked', async () => {
    const organization = await world.createOAuthOrganization();
    const { call, mailboxId } = organization;
    const id = await raise(organization, ofMailbox(mailboxId, 'oauthRevoked', 'error'));

    const elsewhere = await call('POST', `/alerts/${id}/act`, {
      action: 'reconnect',
      returnUrl: 'https://attacker.example/',
    });
    await call('POST', `/alerts/${id}/act`, { action: 'reconnect' });
    const { status, body } = await call('POST', `/alerts/${id}/act`, { action: 'reconnect' });

    expect(elsewhere.body.code).toBe('returnUrlNotAllowed');
    expect(status).toBe(200);
    expect(body.authorizationUrl).toContain(world.issuer.issuer);
    expect((await call('GET', `/alerts/${id}`)).body).toMatchObject({
      status: 'open',
      actions: ['reconnect', 'testAndEnable'],
    });
  });
});

describe('alerts', () => {
  it('are cleared all at once, those that fit', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId } = organization;
    await raise(organization, ofMailbox(mailboxId, 'timedOut', 'warning'));
    await raise(organization, ofMailbox(mailboxId, 'serverError', 'warning'));
    await raise(organization, ofMailbox(mailboxId, 'accessDenied', 'error'));

    const { status, body } = await call('POST', '/alerts/clear', { filter: { level: 'warning' } });

    expect([status, body]).toEqual([200, { cleared: 2, more: false }]);
    const left = (await call('GET', '/alerts?status=open')).body.data;
    expect(left.map(({ code }: { code: string }) => code)).toEqual(['accessDenied']);
    expect((await call('POST', `/alerts/${left[0].id}/clear`)).status).toBe(200);
    expect((await call('POST', `/alerts/${left[0].id}/act`, { action: 'testAndEnable' })).body.code).toBe(
      'invalidState',
    );
  });

  it('of a workload go when a person turns it off', async () => {
    const organization = await passwordOrganization();
    const { call, mailboxId, mailUser } = organization;
    const { username, password } = mailUser;
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { username, password } });
    await organization.test({ workloads: ['incoming'], sendTestMessage: false });
    await raise(organization, ofMailbox(mailboxId, 'throttled', 'warning'));

    await call('POST', `/mailboxes/${mailboxId}/disable`, { workloads: ['incoming'] });

    const left = (await call('GET', '/alerts?status=open')).body.data;
    expect(left.map(({ code }: { code: string }) => code)).toEqual(['synchronizationEnabled']);
  });
});
