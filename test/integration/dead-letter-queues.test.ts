import type { Context, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cycle } from '../../shared/cycle/cycle.ts';
import { createCycleReporter } from '../../shared/mailbox/cycle-reporter.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { startTestApi, type TestApi } from './role-calls.ts';

let api: TestApi;
let consume: (lane: string, ...bodies: string[]) => Promise<{ batchItemFailures: unknown[] }>;

beforeAll(async () => {
  api = await startTestApi();
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const { handler } = await import('../../functions/dead-letters/handler.ts');
  consume = (lane, ...bodies) =>
    handler(
      {
        Records: bodies.map((body, index) => ({
          messageId: `message-${index}`,
          body,
          eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:mailbox-sync-${lane}-dead-letters.fifo`,
        })),
      } as unknown as SQSEvent,
      {} as Context,
    ) as Promise<{ batchItemFailures: unknown[] }>;
});

afterAll(async () => {
  await api?.stop();
});

describe('a message that a lane gave up', () => {
  it('becomes an alert for the mailbox, one however often', async () => {
    const organization = await api.createOrganization();
    const mailboxId = createIdentifier('mbx', Date.now());
    const message = {
      v: 1,
      organizationId: organization.id,
      mailboxId,
      workload: 'incoming',
      generation: 3,
      reason: 'timer',
    };

    const answer = await consume('incoming', JSON.stringify(message), JSON.stringify({ ...message, generation: 4 }));

    expect(answer.batchItemFailures).toEqual([]);
    const { body } = await organization.as('reader')('GET', `/alerts?mailboxId=${mailboxId}`);
    expect(body.data).toMatchObject([{ code: 'laneStalled', level: 'error', count: 2, status: 'open' }]);
  });

  it('is told until the next cycle of the mailbox succeeds', async () => {
    const organization = await api.createOrganization();
    const mailboxId = createIdentifier('mbx', Date.now());
    await api.services.cycles.enable(organization.id, mailboxId, 'incoming', 'prf_1');
    const cycle = { organizationId: organization.id, mailboxId, workload: 'incoming' } as const;
    await consume('incoming', JSON.stringify({ v: 1, ...cycle, generation: 1, reason: 'timer' }));

    const stands = await api.cycleItem(`${organization.id}#${mailboxId}`, 'incoming');
    const reporter = createCycleReporter({ ...api.services, onDisabled: () => undefined });
    await reporter.report(cycle as Cycle, undefined, { type: 'succeeded' });

    expect(stands).toMatchObject({ alerted: true });
    const { body } = await organization.as('reader')('GET', `/alerts?mailboxId=${mailboxId}`);
    expect(body.data).toMatchObject([{ code: 'laneStalled', status: 'cleared' }]);
  });

  it('that nobody can read holds up nothing', async () => {
    const answer = await consume('outgoing', 'not JSON', '{"v":99}');

    expect(answer.batchItemFailures).toEqual([]);
  });
});
