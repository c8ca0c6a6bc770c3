import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCode, bundleFunction } from '../../cdk/bundle-code.ts';
import { type FunctionName, functionNames } from '../../cdk/bundling.ts';
import type { Figure, Row } from './support/figure.ts';
import { decimals, median, times, whole } from './support/format.ts';

const rounds = 9;
const budgetBytes = 1_500_000;
const budgetRatio = 2;

const lane = ['Document', 'Queue', 'Scheduler', 'Key', 'Storage'];
/** The clients of the SDK that each function makes at its start. */
const clients: Readonly<Record<FunctionName, readonly string[]>> = {
  api: ['Document', 'Queue', 'Key', 'Storage'],
  incoming: lane,
  outgoing: lane,
  operations: lane,
  webhooks: ['Document', 'Queue', 'Scheduler', 'Key'],
  feed: ['Document', 'Queue'],
  watchdog: ['Document', 'Queue'],
  'dead-letters': ['Document'],
  'operator-key': ['Document'],
  recovery: ['Document'],
};

const bareClients = (names: readonly string[]): string => {
  const makers = names.map((name) => `create${name}Client`);
  return `import { ${makers.join(', ')} } from './shared/platform/aws-clients.ts';
export const handler = [${makers.map((maker) => `${maker}()`).join(', ')}];`;
};

/** Answers anything: nothing is called while a function starts. */
const environment = {
  PATH: process.env['PATH'] ?? '',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  CYCLES_TABLE: 'cycles',
  RECORDS_TABLE: 'records',
  CONTENT_BUCKET: 'content',
  SECRETS_KEY_ID: 'key',
  INCOMING_QUEUE_URL: 'https://queue.example/incoming.fifo',
  OUTGOING_QUEUE_URL: 'https://queue.example/outgoing.fifo',
  OPERATIONS_QUEUE_URL: 'https://queue.example/operations.fifo',
  WEBHOOKS_QUEUE_URL: 'https://queue.example/webhooks.fifo',
  INCOMING_QUEUE_ARN: 'arn:aws:sqs:us-east-1:000000000000:incoming.fifo',
  OUTGOING_QUEUE_ARN: 'arn:aws:sqs:us-east-1:000000000000:outgoing.fifo',
  OPERATIONS_QUEUE_ARN: 'arn:aws:sqs:us-east-1:000000000000:operations.fifo',
  WEBHOOKS_QUEUE_ARN: 'arn:aws:sqs:us-east-1:000000000000:webhooks.fifo',
  SCHEDULE_GROUP: 'timers',
  SCHEDULER_ROLE_ARN: 'arn:aws:iam::000000000000:role/timers',
  SCHEDULER_DEAD_LETTER_ARN: 'arn:aws:sqs:us-east-1:000000000000:dead',
  LANE_TIMEOUT_SECONDS: '120',
  LANE_VISIBILITY_SECONDS: '150',
  LANE_CONCURRENCY: '100',
  ORGANIZATION_SHARE_PERCENT: '40',
  WATCHDOG_PERIOD_SECONDS: '300',
  ALLOWED_HOST_RANGES: '',
  HOST_CONNECTION_CAPS: '{}',
  ALLOW_INSECURE_CREDENTIALS: 'false',
  IDENTITY_PROVIDER: '',
  HUB_URL: 'https://hub.example',
  VERSION: 'bench',
};

/** Milliseconds of the processor that a new process needs to import the module; others may keep the clock waiting. */
const importTime = async (file: string): Promise<number> => {
  const script = `const began = process.cpuUsage();
await import(${JSON.stringify(file)});
const { user, system } = process.cpuUsage(began);
process.stdout.write(String((user + system) / 1000));
process.exit();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += String(piece);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} cannot be imported`);
  return Number(output);
};

const measure = async (directory: string, name: FunctionName): Promise<Row> => {
  const { file, loadedBytes, totalBytes } = await bundleFunction(name, join(directory, name));
  const floor = await bundleCode(bareClients(clients[name]));
  const floorFile = join(directory, `${name}-clients.mjs`);
  await writeFile(floorFile, floor);
  const own: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await importTime(floorFile));
    own.push(await importTime(file));
  }
  const ratio = median(own.map((milliseconds, round) => milliseconds / (bare[round] ?? 1)));
  return {
    what: `${name}: bundle and import`,
    value: `${whole(loadedBytes / 1000)} of ${whole(totalBytes / 1000)} KB, ${decimals(median(own), 0)} ms of the processor`,
    against: `its bare clients ${whole(floor.byteLength / 1000)} KB, ${decimals(median(bare), 0)} ms`,
    ratio: times(ratio),
    budget: '1,500 KB, 2×',
    kept: loadedBytes <= budgetBytes && ratio <= budgetRatio,
  };
};

export const coldStart: Figure = {
  describe: 'bundle and import time of each function, against the bare SDK clients that it needs',
  measure: async (progress) => {
    const directory = await mkdtemp(join(tmpdir(), 'cold-start-'));
    try {
      const rows: Row[] = [];
      for (const name of functionNames) {
        progress(name);
        rows.push(await measure(directory, name));
      }
      return rows;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};
