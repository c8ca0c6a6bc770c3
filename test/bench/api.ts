import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { readAnswer, toEvent } from '../integration/api-harness.ts';
import type { Figure, Row } from './support/figure.ts';
import { decimals, percentile, times, whole } from './support/format.ts';
import { type HubWorld, startHubWorld } from './support/hub-world.ts';
import { StageClock } from './support/stage-clock.ts';

const requests = 400;
const warmUp = 40;
const parallel = 8;

interface Load {
  readonly perSecond: number;
  readonly p99Milliseconds: number;
  readonly state: string;
}

/** So many requests, some at a time, in one process. */
const load = async (request: (number: number) => Promise<number>, count = requests): Promise<Load> => {
  for (let number = 0; number < warmUp; number += 1) await request(number);
  const durations: number[] = [];
  const clock = new StageClock();
  let next = warmUp;
  const began = performance.now();
  const work = async (): Promise<void> => {
    while (next < count + warmUp) {
      const number = next;
      next += 1;
      const since = performance.now();
      const status = await request(number);
      if (status >= 300) throw new Error(`A request was answered with ${status}`);
      durations.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const seconds = (performance.now() - began) / 1000;
  const processor = clock.stop().find(({ name }) => name === 'own processor time')?.share ?? 0;
  return {
    perSecond: count / seconds,
    p99Milliseconds: percentile(durations, 0.99),
    state: `own processor time ${decimals((processor * seconds * 1000) / count, 2)} ms a request`,
  };
};

const nothing = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>().handler(async () => ({
  statusCode: 200,
  body: '{}',
}));

const doNothing = async (): Promise<number> => {
  const event = toEvent('GET', '/v1/nothing', 'key', {});
  return readAnswer(await nothing(event, {} as Context)).status;
};

const rowOf = (what: string, measured: Load, floor: Load): Row => ({
  what,
  value: `${whole(measured.perSecond)}/s, p99 ${decimals(measured.p99Milliseconds, 1)} ms`,
  against: `${measured.state}; nothing: ${whole(floor.perSecond)}/s`,
  ratio: times(measured.perSecond / floor.perSecond),
});

const measureAll = async (hub: HubWorld): Promise<readonly Row[]> => {
  const [from, to] = hub.mailboxes;
  const send = async (number: number): Promise<number> => {
    const answer = await hub.call('POST', '/emails', {
      from: { owner: `ext:${from?.mailUser.address}` },
      to: [{ address: to?.mailUser.address }],
      subject: `Offer ${number}`,
      body: { text: 'As we said.\n'.repeat(80) },
      send: true,
    });
    return answer.status;
  };
  const get = (path: string) => async (): Promise<number> => (await hub.call('GET', path)).status;
  const floor = await load(doNothing, 20_000);
  const sends = await load(send);
  while ((await hub.feed()) > 0);
  return [
    rowOf('send: draft created and accepted', sends, floor),
    rowOf('list: 50 emails', await load(get('/emails?limit=50')), floor),
    rowOf('feed: a page of 100 events', await load(get('/feed?cursor=0&limit=100')), floor),
  ];
};

export const api: Figure = {
  describe: 'requests to the api function on the emulator, against a function that does nothing',
  measure: async (progress) => {
    const hub = await startHubWorld({ mailboxes: 2 });
    try {
      progress(`${requests} requests of each kind, ${parallel} at a time`);
      return await measureAll(hub);
    } finally {
      await hub.stop();
    }
  },
};
