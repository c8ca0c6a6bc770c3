import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLaneTimers } from '../../../functions/common/create-lane-timers.ts';
import { type DeadLetter, deadLetterKind } from '../../../shared/dead-letter/dead-letter.ts';
import { runReplays } from '../../../shared/dead-letter/replay-dead-letters.ts';
import { operationKind } from '../../../shared/operation/operation.ts';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { type Decision, decisionKind } from '../../../shared/tracking/decision.ts';
import {
  contextOf,
  type LaneHandler,
  loadLaneHandler,
  receiveLaneEvent,
  runLaneBatch,
} from '../../support/run-lane.ts';
import { startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

let api: TestApi;
let organization: TestOrganization;
let operations: LaneHandler;

beforeAll(async () => {
  api = await startTestApi();
  operations = await loadLaneHandler('operations');
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
});

const runOperations = async (): Promise<void> => {
  while ((await runLaneBatch(operations, String(process.env['OPERATIONS_QUEUE_URL']))) > 0);
};

const times = (at: string) => ({ version: 1, createdAt: at, updatedAt: at });

/** @param expiresAt epoch seconds after which the table may drop it */
const storeDecision = (changes: Partial<Decision>, expiresAt?: number): Promise<Decision> => {
  const decidedAt = changes.decidedAt ?? '2026-11-20T12:00:00.000Z';
  const decision: Decision = {
    id: createIdentifier('dec', Date.parse(decidedAt)),
    ...times(decidedAt),
    mailboxId: 'mbx_1',
    folder: 'INBOX',
    messageId: '<promo@shop.example>',
    fromAddress: 'promo@shop.example',
    subject: 'Half price',
    receivedAt: decidedAt,
    decidedAt,
    outcome: 'skipped',
    code: 'filteredResponses',
    emailId: null,
    settingsVersion: 1,
    steps: [{ step: 'filtering', result: 'fail', detail: 'Anna tracks responses only' }],
    ...changes,
  };
  return api.services.store.create(
    decisionKind,
    organization.id,
    decision,
    expiresAt === undefined ? {} : { expiresAt },
  );
};

const idsOf = (answer: { body: { data: { id: string }[] } }): string[] => answer.body.data.map(({ id }) => id);

describe('decisions', () => {
  it('are listed newest first and filtered', async () => {
    const call = organization.as('crm');
    const first = await storeDecision({ decidedAt: '2026-11-01T00:00:00.000Z' });
    const second = await storeDecision({
      decidedAt: '2026-11-02T00:00:00.000Z',
      mailboxId: 'mbx_2',
      messageId: '<2@x>',
    });
    const third = await storeDecision({ decidedAt: '2026-11-03T00:00:00.000Z', outcome: 'tracked', code: null });

    expect(idsOf(await call('GET', '/decisions'))).toEqual([third.id, second.id, first.id]);
    expect(idsOf(await call('GET', '/decisions?mailboxId=mbx_1'))).toEqual([third.id, first.id]);
    expect(idsOf(await call('GET', '/decisions?mailboxId=mbx_1&outcome=tracked'))).toEqual([third.id]);
    expect(idsOf(await call('GET', `/decisions?messageId=${encodeURIComponent('<2@x>')}`))).toEqual([second.id]);
    expect(idsOf(await call('GET', '/decisions?messageId=2@x'))).toEqual([second.id]);
    expect(idsOf(await call('GET', '/decisions?from=2026-11-02T00:00:00Z&to=2026-11-03T00:00:00Z'))).toEqual([
      second.id,
    ]);
    expect((await call('GET', '/decisions?outcome=guessed')).status).toBe(400);
  });

  it('are gone once the days are over that they are kept, even if the table takes days more to drop them', async () => {
    const call = organization.as('crm');
    const now = Math.floor(Date.now() / 1000);
    const kept = await storeDecision({ decidedAt: '2026-11-01T00:00:00.000Z' }, now + 60);
    const over = [
      await storeDecision({ decidedAt: '2026-11-02T00:00:00.000Z' }, now - 60),
      await storeDecision({ decidedAt: '2026-10-01T00:00:00.000Z' }, now - 86_400),
    ];

    expect(idsOf(await call('GET', '/decisions'))).toEqual([kept.id]);
    expect(idsOf(await call('GET', '/decisions?mailboxId=mbx_1'))).toEqual([kept.id]);
    expect(await call('GET', '/decisions?limit=1')).toMatchObject({ body: { data: [{ id: kept.id }] } });
    for (const { id } of over) expect((await call('GET', `/decisions/${id}`)).status).toBe(404);
    expect((await call('GET', `/decisions/${kept.id}`)).status).toBe(200);
  });

  it('hide the subject of mail that was not tracked from every key, unless administrators are let see it', async () => {
    const skipped = await storeDecision({});
    const tracked = await storeDecision({ outcome: 'tracked', code: null });
    const subjectsFor = async (role: 'admin' | 'crm' | 'reader') => {
      const subjects = [];
      for (const { id } of [skipped, tracked])
        subjects.push((await organization.as(role)('GET', `/decisions/${id}`)).body.subject);
      return subjects;
    };

    for (const role of ['admin', 'crm', 'reader'] as const)
      expect(await subjectsFor(role)).toEqual([null, 'Half price']);
    await api.services.store.update(
      organizationKind,
      organization.id,
      organization.id,
      ({ settings, ...rest }) => ({
        next: { ...rest, settings: { ...settings, tracking: { ...settings.tracking, adminsSeeSubjects: true } } },
      }),
      api.services,
    );

    expect(await subjectsFor('admin')).toEqual(['Half price', 'Half price']);
    expect(await subjectsFor('crm')).toEqual([null, 'Half price']);
  });

  it('answer 404 for what another organization has', async () => {
    const { id } = await storeDecision({});
    const other = await api.createOrganization();

    expect((await other.as('admin')('GET', `/decisions/${id}`)).status).toBe(404);
    expect((await other.as('admin')('GET', '/decisions?mailboxId=mbx_1')).body.data).toEqual([]);
  });
});

describe('dead letters', () => {
  const raw = 'From: a@b.example\r\n\r\nbroken';

  const storeDeadLetter = async (changes: Partial<DeadLetter> = {}): Promise<DeadLetter> => {
    const at = new Date().toISOString();
    const id = createIdentifier('ddl', Date.now());
    const rawKey = `${organization.id}/dead-letters/${id}`;
    await api.services.content.put(rawKey, raw, 'message/rfc822');
    return api.services.store.create<DeadLetter>(deadLetterKind, organization.id, {
      id,
      ...times(at),
      kind: 'email',
      mailboxId: 'mbx_1',
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
      ...changes,
    });
  };

  it('are listed, filtered and read without where their bytes stand', async () => {
    const call = organization.as('reader');
    const open = await storeDeadLetter();
    const resolved = await storeDeadLetter({ status: 'resolved', mailboxId: 'mbx_2' });

    expect(idsOf(await call('GET', '/dead-letters?status=open'))).toEqual([open.id]);
    expect(idsOf(await call('GET', '/dead-letters?mailboxId=mbx_2'))).toEqual([resolved.id]);
    expect(idsOf(await call('GET', '/dead-letters?kind=email'))).toEqual([resolved.id, open.id]);
    for (const kind of ['appointment', 'contact', 'task', 'send', 'event'])
      expect(idsOf(await call('GET', `/dead-letters?kind=${kind}`))).toEqual([]);
    const { body } = await call('GET', `/dead-letters/${open.id}`);
    expect(body).toMatchObject({ id: open.id, kind: 'email', attempts: 3, fault: { code: 'unreadable' } });
    expect(body).not.toHaveProperty('rawKey');
  });

  it('are discarded with a reason, once and for all', async () => {
    const call = organization.as('crm');
    const { id } = await storeDeadLetter();

    const without = await call('POST', `/dead-letters/${id}/discard`);
    const discarded = await call('POST', `/dead-letters/${id}/discard`, { reason: 'spam' });
    const again = await call('POST', `/dead-letters/${id}/discard`, { reason: 'spam' });

    expect([without.status, without.body.errors[0].pointer]).toEqual([400, '#/reason']);
    expect(discarded.body).toMatchObject({ status: 'discarded', discardReason: 'spam' });
    expect(again.body).toEqual(discarded.body);
    expect((await organization.as('reader')('POST', `/dead-letters/${id}/discard`, { reason: 'x' })).status).toBe(403);
  });

  it('are replayed all at once, each with its outcome, and nothing that is closed', async () => {
    const call = organization.as('admin');
    const gone = await storeDeadLetter();
    await storeDeadLetter({ status: 'discarded' });

    const { status, body } = await call('POST', '/dead-letters/replay', { filter: { kind: 'email' } });
    await runOperations();

    expect(status).toBe(202);
    const items = (await call('GET', `/operations/${body.id}/items`)).body.data;
    expect(items).toMatchObject([{ subject: { type: 'deadLetter', id: gone.id }, status: 'failed' }]);
    expect(items[0].fault.code).toBe('invalidState');
    expect((await call('GET', `/operations/${body.id}`)).body.status).toBe('succeeded');
  });

  it('that end the process are given up after two deaths, and those behind them are replayed', async () => {
    const call = organization.as('admin');
    const [poison, harmless] = [await storeDeadLetter(), await storeDeadLetter()];
    const { body: operation } = await call('POST', '/dead-letters/replay', { filter: { kind: 'email' } });
    let isDeadly = true;
    /** As far as a process comes that dies while it reads the poison. */
    const runUntilDeath = async (): Promise<'died' | 'ended'> => {
      let die = (): void => undefined;
      const death = new Promise<'died'>((resolve) => {
        die = () => resolve('died');
      });
      const read = async (key: string) => {
        if (key !== poison.rawKey || !isDeadly) return api.services.content.read(key);
        die();
        return new Promise<never>(() => undefined);
      };
      const begun = await api.services.store.get(operationKind, organization.id, operation.id);
      if (begun === undefined) throw new Error('Nothing was begun');
      const services = { ...api.services, content: { ...api.services.content, read }, timers: createLaneTimers() };
      const run = runReplays(services, organization.id, begun, { receiveCount: 1, remainingMilliseconds: 60_000 });
      return Promise.race([run.then(() => 'ended' as const), death]);
    };

    const ends = [await runUntilDeath(), await runUntilDeath(), await runUntilDeath()];

    expect(ends).toEqual(['died', 'died', 'ended']);
    const items = (await call('GET', `/operations/${operation.id}/items`)).body.data;
    expect(items).toMatchObject([
      { subject: { id: poison.id }, status: 'failed', fault: { code: 'unreadable' } },
      // It has no mailbox here.
      { subject: { id: harmless.id }, status: 'failed', fault: { code: 'invalidState' } },
    ]);
    const { body: letter } = await call('GET', `/dead-letters/${poison.id}`);
    expect(letter).toMatchObject({ status: 'open', attempts: 4 });
    expect(letter).not.toHaveProperty('unended');
    // After a repair it is tried again.
    isDeadly = false;
    const { body: again } = await call('POST', `/dead-letters/${poison.id}/replay`);
    await runOperations();
    expect((await call('GET', `/operations/${again.id}`)).body.fault.code).toBe('invalidState');
  });

  it('are tried however often the message of their replay had to wait', async () => {
    const call = organization.as('admin');
    const { id } = await storeDeadLetter();
    const { body: operation } = await call('POST', `/dead-letters/${id}/replay`);

    const event = await receiveLaneEvent(String(process.env['OPERATIONS_QUEUE_URL']));
    if (event === undefined) throw new Error('Nothing was sent');
    for (const { attributes } of event.Records) attributes.ApproximateReceiveCount = '9';
    await operations(event, contextOf(60_000));

    expect((await call('GET', `/operations/${operation.id}`)).body.fault.code).toBe('invalidState');
  });

  it('are tried however often something else than they stood in the way', async () => {
    const call = organization.as('admin');
    const { id } = await storeDeadLetter();

    const codes: string[] = [];
    for (let replay = 0; replay < 3; replay += 1) {
      const { body: operation } = await call('POST', `/dead-letters/${id}/replay`);
      await runOperations();
      codes.push((await call('GET', `/operations/${operation.id}`)).body.fault.code);
    }

    // It has no mailbox here.
    expect(codes).toEqual(['invalidState', 'invalidState', 'invalidState']);
  });

  it('give their exact bytes to those who may read mail', async () => {
    const { id } = await storeDeadLetter();

    const answer = await organization.as('crm')('GET', `/dead-letters/${id}/raw`);
    const download = await fetch(String(answer.headers['location']));

    expect(answer.status).toBe(302);
    expect(await download.text()).toBe(raw);
    expect((await organization.as('reader')('GET', `/dead-letters/${id}/raw`)).status).toBe(403);
    expect((await (await api.createOrganization()).as('admin')('GET', `/dead-letters/${id}/raw`)).status).toBe(404);
  });
});
