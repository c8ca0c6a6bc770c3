import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultKind } from '../plan/fault-kinds.ts';
import type { Moment, Step } from '../plan/step.ts';
import type { FunctionProcess } from '../process/function-process.ts';
import { type AwsCall, nameCall } from './aws-call.ts';
import { internalError, type Refusal, throttling } from './aws-refusals.ts';

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface AwsProxyOptions {
  readonly endpointUrl: string;
  readonly find: (address: string | undefined) => FunctionProcess | undefined;
  readonly decide: (step: Step) => FaultKind | undefined;
  /** Told of every call that had its effect. */
  readonly onDone: (call: AwsCall) => void;
  /** Answers a call in the emulator's place: what concerns deliveries that the harness makes. */
  readonly intercept: (call: AwsCall) => unknown;
  readonly onActivity: () => void;
  /** The emulator works on an answer until what is returned is called. */
  readonly onAsk: () => () => void;
  /** The function waits for an answer that will never come. */
  readonly onHang: (process: FunctionProcess) => void;
}

const readAll = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** Stands between the functions and the emulator: sees every call, and lets faults strike before and after it. */
export class AwsProxy {
  readonly #options: AwsProxyOptions;
  readonly #server: Server;
  /** Closes what is idle before the emulator does, after 75 s: a call could otherwise meet its end. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 30_000 });

  private constructor(options: AwsProxyOptions) {
    this.#options = options;
    this.#server = createServer((incoming, outgoing) => {
      void this.#serve(incoming, outgoing).catch(() => outgoing.socket?.destroy());
    });
    this.#server.keepAliveTimeout = 600_000;
  }

  static async start(options: AwsProxyOptions): Promise<AwsProxy> {
    const proxy = new AwsProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { onActivity, find, decide } = this.#options;
    const { method = 'GET', url = '/' } = incoming;
    const process = find(incoming.socket.remoteAddress);
    const raw = await readAll(incoming);
    if (process === undefined || process.isDead) return void incoming.socket.destroy();
    onActivity();
    const call = nameCall(method, url, incoming.headers, raw);
    const step = (moment: Moment): Step => ({ function: process.name, channel: 'aws', name: call.name, moment });

    const before = decide(step('before'));
    if (before !== undefined && this.#strike(before, call, process, outgoing)) return;
    const intercepted = this.#options.intercept(call);
    const answer = intercepted === undefined ? await this.#forward(method, url, incoming, raw) : toAnswer(intercepted);
    if (answer.status < 300) this.#options.onDone(call);
    onActivity();
    const after = decide(step('after'));
    if (after !== undefined && this.#strike(after, call, process, outgoing)) return;
    write(outgoing, answer);
  }

  /** True when nothing else is to be done with the call. */
  #strike(fault: FaultKind, call: AwsCall, process: FunctionProcess, outgoing: ServerResponse): boolean {
    switch (fault) {
      case 'killed':
        process.kill();
        return true;
      case 'swallowed':
        write(outgoing, toAnswer({ MessageId: 'swallowed', SequenceNumber: '0' }));
        return true;
      case 'throttled':
        refuse(outgoing, throttling(call.service));
        return true;
      case 'failedInside':
        refuse(outgoing, internalError(call.service));
        return true;
      case 'requestLost':
      case 'answerLost':
        outgoing.socket?.destroy();
        return true;
      case 'neverAnswered':
        this.#options.onHang(process);
        return true;
      default:
        return false;
    }
  }

  #forward(method: string, path: string, incoming: IncomingMessage, raw: Buffer): Promise<Answer> {
    const { hostname, port } = new URL(this.#options.endpointUrl);
    const answered = this.#options.onAsk();
    return new Promise<Answer>((resolve, reject) => {
      const forwarded = request(
        { hostname, port, method, path, headers: incoming.headers, agent: this.#agent },
        (answer) => {
          readAll(answer).then(
            (body) => resolve({ status: answer.statusCode ?? 502, headers: answer.rawHeaders, body }),
            reject,
          );
        },
      );
      forwarded.on('error', reject);
      forwarded.end(raw);
    }).finally(answered);
  }
}

const toAnswer = (value: unknown): Answer => ({
  status: 200,
  headers: ['content-type', 'application/x-amz-json-1.0'],
  body: Buffer.from(JSON.stringify(value)),
});

const write = (outgoing: ServerResponse, answer: Answer): void => {
  outgoing.writeHead(answer.status, [...answer.headers]);
  outgoing.end(answer.body);
};

const refuse = (outgoing: ServerResponse, refusal: Refusal): void => {
  outgoing.writeHead(refusal.status, { ...refusal.headers });
  outgoing.end(refusal.body);
};
