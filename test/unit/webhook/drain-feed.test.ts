import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendEvents } from '../../../shared/feed/append-events.ts';
import { createFeedPages } from '../../../shared/feed/feed-pages.ts';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { drainFeed } from '../../../shared/webhook/drain-feed.ts';
import type { Webhook } from '../../../shared/webhook/webhook.ts';
import type { WebhookProgress, WebhookState } from '../../../shared/webhook/webhook-state.ts';
import { createMemoryTable } from '../../bench/support/memory-table.ts';

const organizationId = 'org_1';
const at = new Date('2026-11-20T12:00:00.000Z');

const webhook: Webhook = {
  id: 'whk_1',
  version: 1,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
  url: 'https://client.example/',
  types: ['record.*'],
  thin: true,
  status: 'enabled',
  reason: null,
  fault: null,
  startCursor: '0.0',
  secret: { sealed: '', setAt: '' },
  previousSecret: null,
  olderSecrets: [],
};

const fresh: WebhookState = {
  v: 1,
  organizationId,
  webhookId: webhook.id,
  enabled: true,
  version: 1,
  epoch: '0',
  sequence: 0,
  attempts: 0,
  due: null,
  fault: null,
  lastSuccessAt: null,
  resumedAt: 0,
  replay: null,
};

class Crash extends Error {}

describe('a run of a webhook', () => {
  it('that dies anywhere, or is refused, leaves out no event and none before its turn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 25 }),
        fc.array(fc.constantFrom('goes on', 'goes on', 'refused', 'dies before', 'dies after', 'is late'), {
          maxLength: 60,
        }),
        async (wanted, fates) => {
          const table = createMemoryTable([]);
          const events = wanted.map((isWanted, index) => ({
            position: { sequence: String(index + 1), index: 0 },
            event: {
              id: `evt_${index + 1}`,
              type: isWanted ? 'record.updated' : 'settings.changed',
              at: at.toISOString(),
              ...systemAuthor,
              subject: { type: 'record', id: 'rec_1' },
              version: 1,
              data: null,
            },
          }));
          const pages = { organizationId, shard: 's', events, expiresAt: at.getTime(), now: at, pageBytes: 600 };
          await appendEvents(createFeedPages(table), new Map(), pages);

          const taken: number[] = [];
          let saved: WebhookProgress = fresh;
          let clock = at.getTime();
          const left = [...fates];
          const nextFate = () => left.shift() ?? 'goes on';
          for (let runs = 0; ; runs += 1) {
            try {
              const { end, progress } = await drainFeed(
                {
                  store: new EntityStore(table),
                  post: async ({ sequence }) => {
                    const fate = nextFate();
                    clock += fate === 'is late' ? 2_000 : 100;
                    if (fate === 'dies before') throw new Crash();
                    if (fate !== 'refused') taken.push(sequence);
                    if (fate === 'dies after') throw new Crash();
                    const fault = fate === 'refused' ? createFault('endpointFailing') : null;
                    const responseStatus = fault === null ? 204 : 500;
                    return { at, seconds: 0.1, responseStatus, fault, gone: false, retryAfterSeconds: undefined };
                  },
                  save: async (progress) => {
                    if (nextFate() === 'dies before') throw new Crash();
                    saved = progress;
                    if (nextFate() === 'dies after') throw new Crash();
                  },
                  onReplayProgress: async () => true,
                  onReplayExpired: async () => undefined,
                  maxRetrySeconds: 1,
                  random: () => 0,
                  now: () => new Date(clock),
                  deadline: clock + 5_000,
                },
                webhook,
                fresh,
                // What an attempt limit would end is none of this test.
                { ...fresh, ...saved, attempts: 0 },
              );
              saved = progress;
              if (end.kind === 'drained') break;
            } catch (error) {
              if (!(error instanceof Crash)) throw error;
            }
            const due = wanted.flatMap((isWanted, index) => (isWanted ? [index + 1] : []));
            const upTo = due.filter((sequence) => sequence <= saved.sequence);
            // The place never stands behind what was not taken.
            expect(taken).toEqual(expect.arrayContaining(upTo));
            expect(runs).toBeLessThan(200);
          }

          const first = taken.filter((sequence, index) => taken.indexOf(sequence) === index);
          expect(first).toEqual(wanted.flatMap((isWanted, index) => (isWanted ? [index + 1] : [])));
          expect(saved.sequence).toBe(wanted.length);
        },
      ),
      { numRuns: 150 },
    );
  });
});
