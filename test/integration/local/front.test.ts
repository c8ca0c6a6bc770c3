import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Front, startFront } from '../../../local/front.ts';
import { choosePort } from '../../../local/ports.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Seen = { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders; body: string };

const startTarget = async (chunks: readonly string[] = ['{}']) => {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    response.writeHead(202, { 'content-type': 'application/json', location: '/v1/operations/opn_1', 'x-own': 'kept' });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  closing.push(close);
  return { seen, close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stage` };
};

const startFrontOf = async (target: string): Promise<Front> => {
  const front = await startFront({ port: await choosePort(), target: () => target });
  closing.push(front.stop);
  return front;
};

describe('the front of the hub', () => {
  it('passes method, path, query, headers and body on, and the answer back', async () => {
    const target = await startTarget(['{"id":', '"x"}']);
    const front = await startFrontOf(target.url);

    const response = await fetch(`${front.url}/v1/users/ext:u-17?limit=2&x=a%2Fb`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer key', 'if-match': '"3"', 'content-type': 'application/json' },
      body: '{"fullName":"Anna"}',
    });

    expect(target.seen).toMatchObject([
      {
        method: 'PATCH',
        url: '/stage/v1/users/ext:u-17?limit=2&x=a%2Fb',
        body: '{"fullName":"Anna"}',
        headers: { authorization: 'Bearer key', 'if-match': '"3"', host: new URL(target.url).host },
      },
    ]);
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/v1/operations/opn_1');
    expect(response.headers.get('x-own')).toBe('kept');
    expect(await response.json()).toEqual({ id: 'x' });
  });

  it('answers 503 with problem details while the emulator is down', async () => {
    const target = await startTarget();
    const front = await startFrontOf(target.url);
    await target.close();

    const response = await fetch(`${front.url}/v1/health`);

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 503, code: 'unavailable' });
  });

  it('ends at once when it is stopped, open connections or not', async () => {
    const target = await startTarget();
    const front = await startFrontOf(target.url);
    await (await fetch(`${front.url}/v1/health`)).text();

    await front.stop();

    await expect(fetch(`${front.url}/v1/health`)).rejects.toThrow();
  });
});
