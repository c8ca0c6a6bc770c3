import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message for a lane, sent or left with a timer, as it goes over the wire. */
export interface RecordedMessage {
  readonly from: 'queue' | 'timer';
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RecordingProxy {
  readonly url: string;
  readonly messages: readonly RecordedMessage[];
  readonly stop: () => Promise<void>;
}

const readAll = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const messageIn = (target: unknown, method: string, path: string, raw: Buffer): RecordedMessage | undefined => {
  if (target === 'AmazonSQS.SendMessage')
    return { from: 'queue', body: JSON.parse(JSON.parse(raw.toString()).MessageBody) };
  if (method !== 'POST' || !path.startsWith('/schedules/')) return undefined;
  return { from: 'timer', body: JSON.parse(JSON.parse(raw.toString()).Target.Input) };
};

/** Passes requests for queues and timers on to AWS_ENDPOINT_URL, as it is by then, and notes what is sent. */
export const startRecordingProxy = async (): Promise<RecordingProxy> => {
  const messages: RecordedMessage[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const raw = await readAll(incoming);
    const message = messageIn(incoming.headers['x-amz-target'], method, url, raw);
    if (message !== undefined) messages.push(message);
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers;
    const answer = await fetch(new URL(url, process.env['AWS_ENDPOINT_URL']), {
      method,
      headers: headers as Record<string, string>,
      ...(raw.length === 0 ? {} : { body: new Uint8Array(raw) }),
    });
    outgoing.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
