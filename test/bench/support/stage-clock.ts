import { performance } from 'node:perf_hooks';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export interface Stage {
  readonly name: string;
  /** Of the time that passed: while at least one call of this kind was under way. */
  readonly share: number;
  readonly calls: number;
}

interface Sender {
  send(command: object, ...rest: unknown[]): Promise<unknown>;
}

/** Tells for how much of the time calls to each service were under way, and how busy this process was. */
export class StageClock {
  readonly #began = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #stages = new Map<string, { calls: number; open: number; since: number; busy: number }>();
  readonly #restore: (() => void)[] = [];

  constructor() {
    this.#watch('DynamoDB', DynamoDBDocumentClient.prototype);
    this.#watch('S3', S3Client.prototype);
  }

  stop(): readonly Stage[] {
    for (const restore of this.#restore) restore();
    const elapsed = performance.now() - this.#began;
    const { user, system } = process.cpuUsage(this.#cpu);
    return [
      ...[...this.#stages].map(([name, { busy, calls }]) => ({ name, share: busy / elapsed, calls })),
      { name: 'own processor time', share: (user + system) / 1000 / elapsed, calls: 0 },
    ];
  }

  #watch(name: string, prototype: object): void {
    const own = prototype as Sender;
    const send = own.send;
    const stage = { calls: 0, open: 0, since: 0, busy: 0 };
    this.#stages.set(name, stage);
    own.send = async function (this: Sender, ...args: Parameters<Sender['send']>) {
      stage.calls += 1;
      if (stage.open === 0) stage.since = performance.now();
      stage.open += 1;
      try {
        return await send.apply(this, args);
      } finally {
        stage.open -= 1;
        if (stage.open === 0) stage.busy += performance.now() - stage.since;
      }
    };
    this.#restore.push(() => {
      own.send = send;
    });
  }
}
