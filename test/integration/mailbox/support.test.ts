import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raiseAlert } from '../../../shared/alert/raise-alert.ts';
import { isNotable } from '../../../shared/cycle/cycle-summary.ts';
import { type DeadLetter, deadLetterKind } from '../../../shared/dead-letter/dead-letter.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';

let world: IncomingWorld;
let organization: IncomingOrganization;
let mailboxId: string;

const subject = 'Confidential merger';
const secretDetail = 'b0unced for bob@rival.example';

beforeAll(async () => {
  world = await startIncomingWorld();
  organization = await world.createOrganization();
  const mail = world.servers.environment;
  const mailUser = world.mailUser(3);
  const user = await organization.user(mailUser, { externalId: 'anna-external' });
  mailboxId = user.mailboxId;
  const { call } = organization;
  await organization.synchronize(mailboxId);
  const headers = ordinaryHeaders({ Subject: subject, To: mailUser.address, 'Message-ID': '<1@client.example>' });
  await appendMessage(mail, mailUser, buildMessage(headers, 'Nobody may know\r\n'));
  await organization.synchronize(mailboxId);
  await organization.synchronize(mailboxId);
  await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: 'wr0ng-word' } });
  await organization.synchronize(mailboxId);
  const { store, content } = world.api.services;
  const at = new Date().toISOString();
  const letterId = createIdentifier('ddl', Date.now());
  const rawKey = `${organization.id}/dead-letters/${letterId}.eml`;
  await content.put(rawKey, 'raw', 'message/rfc822');
  await store.create<DeadLetter>(deadLetterKind, organization.id, {
    id: letterId,
    version: 1,
    createdAt: at,
    updatedAt: at,
    kind: 'email',
    mailboxId,
    fault: createFault('unreadable', { detail: secretDetail }),
    attempts: 3,
    firstAt: at,
    lastAt: at,
    remote: { folder: 'Geheim/Müller', uidValidity: '1', uid: 7 },
    direction: 'incoming',
    receivedAt: at,
    decisionId: 'dec_0000000000000001',
    discardReason: null,
    keptUntil: at,
    sizeBytes: 3,
    rawKey,
    status: 'open',
  });
  await raiseAlert(store, {
    organizationId: organization.id,
    level: 'error',
    scope: 'email',
    fault: createFault('bounced', { detail: secretDetail }),
    subject: { type: 'email', id: 'eml_1' },
    mailboxId,
    now: new Date(),
  });
});

afterAll(async () => {
  await world?.stop();
});

describe('the log of a mailbox', () => {
  it('has what its cycles did and failed on, newest first, and nothing of those that were idle', async () => {
    const { status, body } = await organization.call('GET', `/mailboxes/${mailboxId}/log`);

    expect(status).toBe(200);
    expect(body.data).toMatchObject([
      {
        workload: 'incoming',
        outcome: 'failed',
        counts: null,
        fault: { code: 'authenticationFailed', level: 'mailbox' },
        disabled: true,
        nextReason: 'probe',
      },
      { workload: 'incoming', outcome: 'completed', reason: 'sync', counts: { seen: 1, tracked: 1 }, fault: null },
    ]);
    expect(body.data[1].seconds).toBeGreaterThan(0);
    expect(Date.parse(body.data[0].nextRunAt)).toBeGreaterThan(Date.now());
  });

  it('begins where it is asked to, goes page by page, and answers as a foreign mailbox to others', async () => {
    const { call } = organization;
    const path = `/mailboxes/${mailboxId}/log`;
    const first = (await call('GET', `${path}?limit=1`)).body;
    const second = (await call('GET', `${path}?limit=1&cursor=${first.nextCursor}`)).body;
    const since = (await call('GET', `${path}?from=${first.data[0].at}`)).body;

    expect(second.data[0].outcome).toBe('completed');
    expect(since.data).toEqual(first.data);
    expect((await call('GET', `${path}?from=yesterday`)).status).toBe(400);
    const other = (await world.api.createOrganization()).as('admin');
    expect((await other('GET', path)).status).toBe(404);
  });

  it('keeps a week', async () => {
    const items = (await world.api.allRecords()).filter((item) => item['kind'] === 'cycleLog');

    expect(items).toHaveLength(2);
    for (const item of items) expect(Number(item['expiresAt']) * 1000 - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
  });

  it('costs an idle cycle nothing', () => {
    const idle = {
      organizationId: 'org_1',
      mailboxId: 'mbx_1',
      workload: 'incoming',
      generation: 1,
      reason: 'timer',
      startedAt: 0,
      completedAt: 1,
      counts: { seen: 0, tracked: 0, skipped: 0, failed: 0 },
      consecutiveFailures: 0,
      disabled: false,
      nextDue: 0,
      nextReason: 'interval',
    } as const;
    expect(isNotable({ ...idle, outcome: 'completed' }, false)).toBe(false);
    expect(isNotable({ ...idle, outcome: 'completed' }, true)).toBe(true);
    expect(isNotable({ ...idle, outcome: 'failed' }, false)).toBe(true);
  });
});

describe('the diagnostics of a mailbox', () => {
  it('tell its state, its cycles, its faults and its decisions', async () => {
    const { status, body } = await organization.call('GET', `/mailboxes/${mailboxId}/diagnostics`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      mailboxId,
      mailbox: { workloads: { incoming: { state: 'disabled', fault: 'authenticationFailed' } }, hasAddress: true },
      serverProfile: { incoming: { protocol: 'imap' }, credentials: { source: 'mailbox' } },
      schedule: { health: 'failing' },
      cycles: [{ workload: 'incoming', probing: true, folders: [{ folder: 'INBOX', lastUid: 1 }] }],
      log: [{ outcome: 'failed', fault: 'authenticationFailed' }, { outcome: 'completed' }],
      decisions: [{ outcome: 'tracked' }],
      deadLetters: [{ code: 'unreadable', attempts: 3 }],
    });
    expect(body.alerts.map(({ code }: { code: string }) => code)).toEqual(['bounced', 'authenticationFailed']);
  });

  it('hold no address, no subject, no name, no secret and nothing that people wrote', async () => {
    const text = JSON.stringify((await organization.call('GET', `/mailboxes/${mailboxId}/diagnostics`)).body);
    const { address, username, password } = world.mailUser(3);

    for (const kept of [
      address,
      username,
      password,
      'wr0ng-word',
      subject,
      'anna-external',
      '@',
      'Geheim',
      secretDetail,
    ])
      expect(text).not.toContain(kept);
    expect(text).not.toMatch(/client\.example|BEGIN CERTIFICATE|ciphertext|sealed/i);
  });
});
