import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRequests, RequestCounter, type Requests } from '../../bench/cost/count-requests.ts';
import { type HubWorld, startHubWorld } from '../../bench/support/hub-world.ts';

const batch = 8;

let hub: HubWorld;
let alone: Requests;
let together: Requests;
let byPop3: Requests;

const countCycle = async (counter: RequestCounter, from: number, to: number, what: string): Promise<Requests> => {
  const ids = hub.mailboxes.slice(from, to).map(({ mailboxId }) => mailboxId);
  let counted: Requests = new Map();
  await hub.run('incoming', ids, async (invoke) => {
    counted = await counter.count(invoke);
  });
  console.log(`An idle incoming cycle of ${what}: ${describeRequests(counted)}`);
  return counted;
};

beforeAll(async () => {
  hub = await startHubWorld({ mailboxes: batch + 1, pop3Mailboxes: 1 });
  const counter = new RequestCounter();
  const everyone = hub.mailboxes.map(({ mailboxId }) => mailboxId);
  // The first cycle begins the cursors; keys are unwrapped once an hour.
  for (let round = 0; round < 2; round += 1) await hub.run('incoming', everyone);
  alone = await countCycle(counter, 0, 1, 'one mailbox');
  together = await countCycle(counter, 0, batch, `${batch} mailboxes`);
  byPop3 = await countCycle(counter, batch, batch + 1, 'one mailbox by POP3');
});

afterAll(async () => {
  await hub?.stop();
});

const of = (requests: Requests, kind: string): number => requests.get(kind) ?? 0;

describe('an incoming cycle that finds nothing new', () => {
  it('writes three units: the connection taken, the connection given back, the cycle completed', () => {
    expect(of(alone, 'dynamodb.writeUnits')).toBe(3);
    expect(of(together, 'dynamodb.writeUnits')).toBe(3 * batch);
  });

  it('reads its own state, and what the mailboxes of a batch share once for all of them', () => {
    expect(of(alone, 'dynamodb.readUnits')).toBeLessThanOrEqual(2.5);
    expect(of(together, 'dynamodb.readUnits')).toBeLessThanOrEqual(2 * batch);
  });

  it('arms one timer for each mailbox', () => {
    expect(of(alone, 'scheduler.CreateSchedule')).toBe(1);
    expect(of(together, 'scheduler.CreateSchedule')).toBe(batch);
  });

  it('asks nothing else of AWS: its queue requests are those of the timer and of the event source', () => {
    const kindsOf = (requests: Requests) => [...requests.keys()].filter((kind) => !kind.startsWith('dynamodb.'));
    expect(kindsOf(alone)).toEqual(['scheduler.CreateSchedule']);
    // Of a batch that takes long what is done is acknowledged before the event source does it.
    expect(kindsOf(together).filter((kind) => kind !== 'sqs.DeleteMessage')).toEqual(['scheduler.CreateSchedule']);
    expect(of(together, 'sqs.DeleteMessage')).toBeLessThanOrEqual(batch);
  });

  it('by POP3 asks of AWS exactly what one by IMAP does: nothing is read of what the maildrop held', () => {
    expect(Object.fromEntries(byPop3)).toEqual(Object.fromEntries(alone));
  });
});
