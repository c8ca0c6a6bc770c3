import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { supportQueries, textOf } from '../../../cdk/support-queries.ts';
import { cycleLineSchema, laneLineFields, toCycleLine, waitingLine } from '../../../shared/cycle/cycle-line.ts';
import type { CycleMessage } from '../../../shared/cycle/lane-message.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { list, ofType, property, synthesize } from './synthesize.ts';

const message: CycleMessage = {
  v: 1,
  organizationId: 'org_1',
  mailboxId: 'mbx_1',
  workload: 'incoming',
  generation: 7,
  reason: 'timer',
};

const summary = {
  organizationId: 'org_1',
  mailboxId: 'mbx_1',
  workload: 'incoming',
  generation: 7,
  reason: 'timer',
  startedAt: 1_000,
  completedAt: 3_500,
  consecutiveFailures: 0,
  disabled: false,
  nextDue: 60_000,
  nextReason: 'interval',
} as const;

describe('the log line of a lane', () => {
  it('tells of a cycle that found something what support asks for', () => {
    const counts = { seen: 3, tracked: 1, skipped: 2, failed: 0 };
    const line = toCycleLine(message, {
      done: true,
      outcome: 'completed',
      cycle: { ...summary, outcome: 'completed', counts },
    });

    expect(cycleLineSchema.parse(line)).toEqual({
      organizationId: 'org_1',
      mailboxId: 'mbx_1',
      workload: 'incoming',
      generation: 7,
      reason: 'timer',
      outcome: 'completed',
      milliseconds: 2_500,
      counts,
      nextRunAt: '1970-01-01T00:01:00.000Z',
      nextReason: 'interval',
    });
  });

  it('tells of a failure its code and nothing that a server or a person wrote', () => {
    const fault = createFault('authenticationFailed', { detail: 'anna@contoso.example: wrong word' });
    const line = toCycleLine(message, {
      done: true,
      outcome: 'failed',
      cycle: { ...summary, outcome: 'failed', fault, level: 'mailbox', consecutiveFailures: 2, disabled: true },
    });

    expect(line).toMatchObject({
      code: 'authenticationFailed',
      level: 'mailbox',
      consecutiveFailures: 2,
      disabled: true,
    });
    expect(JSON.stringify(line)).not.toContain('contoso');
  });

  it('tells for how long a delivery waits', () => {
    expect(toCycleLine(message, { done: false, waitSeconds: 9 })).toMatchObject({
      outcome: 'pushedBack',
      waitSeconds: 9,
    });
  });
});

describe('the line of a message that waits for a place of its organization', () => {
  it('is what the query for the reason of a wait looks for', () => {
    const line = cycleLineSchema.parse(waitingLine(message, 40));
    const query = supportQueries.find(({ question }) => question.startsWith('2 '));

    expect(line).toMatchObject({ mailboxId: 'mbx_1', outcome: 'waitsForShare', waitSeconds: 40 });
    expect(textOf(query?.lines ?? [])).toContain(`"${line.outcome}"`);
  });
});

describe('the saved queries', () => {
  const counts = Object.keys(z.toJSONSchema(cycleLineSchema.shape.counts)['properties'] ?? {});
  const known = new Set([...Object.keys(cycleLineSchema.shape), ...counts.map((name) => `counts.${name}`)]);

  it('answer ten questions of support or more, the first being when a mailbox runs next', () => {
    expect(supportQueries.length).toBeGreaterThanOrEqual(10);
    expect(supportQueries[0]?.question).toContain('next sync');
    expect(textOf(supportQueries[0]?.lines ?? [])).toContain('limit 5');
  });

  it.each(supportQueries.filter(({ sources }) => sources.includes('lanes')))(
    '$question: reads only what the lines of lanes carry',
    (query) => {
      const text = textOf(query.lines);
      const fields = [...text.matchAll(/\bcycle\.([A-Za-z.]+)/g)].map(([, field = '']) => field);
      expect(fields.length).toBeGreaterThan(0);
      expect(fields.filter((field) => !known.has(field))).toEqual([]);
      for (const [, field = ''] of text.matchAll(/\bline\.([A-Za-z]+)/g)) expect(laneLineFields).toContain(field);
    },
  );

  it('find what a function failed on in its own lines and in those that Lambda writes for it', () => {
    const query = supportQueries.find(({ question }) => question.startsWith('10 '));
    const [, pattern = ''] = /@message like \/(.+?)\/$/m.exec(textOf(query?.lines ?? [])) ?? [];
    const found = new RegExp(pattern);

    expect('2026-11-30T12:00:00.000Z\t8f5e\tERROR\tInvoke Error \t{"errorType":"AggregateError"}').toMatch(found);
    expect('2026-11-30T12:00:00.000Z\t\tERROR\tUncaught Exception \t{"errorType":"TypeError"}').toMatch(found);
    expect('2026-11-30T12:00:00.000Z 8f5e Task timed out after 120.00 seconds').toMatch(found);
    expect('RequestId: 8f5e Error: Runtime exited with error: signal: killed Runtime.ExitError').toMatch(found);
    expect('{"level":"INFO","message":"lane","lane":"incoming"}').not.toMatch(found);
    expect('REPORT RequestId: 8f5e Duration: 12.00 ms').not.toMatch(found);
  });

  it('are deployed with the log groups that they read, unless the deployment wants none', () => {
    const saved = ofType(synthesize(), 'AWS::Logs::QueryDefinition');
    expect(saved.map((one) => property(one, 'Name'))).toEqual(
      supportQueries.map(({ question }) => `mailbox-sync/${question}`),
    );
    for (const one of saved) expect(list(one, 'LogGroupNames').length).toBeGreaterThan(0);
    expect(ofType(synthesize({ savedQueries: 'false' }), 'AWS::Logs::QueryDefinition')).toEqual([]);
  });
});
