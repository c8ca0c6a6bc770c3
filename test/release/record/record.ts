import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { marshall } from '@aws-sdk/util-dynamodb';
import { lookEverywhere } from '../../integration/erasure/erasure-world.ts';
import { startIncomingWorld } from '../../integration/tracking/incoming-world.ts';
import { describeContract } from '../contract.ts';
import type { GoldenSet } from '../golden-set.ts';
import { type RecordedMessage, startRecordingProxy } from './recording-proxy.ts';
import { playScenario } from './scenario.ts';

const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
const directory = new URL(`../${version}/`, import.meta.url);

/** The last one of each kind is as good as all of them, and belongs to what the tables hold at the end. */
const lastOfEach = <Value>(values: readonly Value[], kindOf: (value: Value) => string): readonly Value[] => [
  ...new Map(values.map((value) => [kindOf(value), value])).values(),
];

const kindOfMessage = ({ from, body }: RecordedMessage): string =>
  `${from} ${body['workload']} ${body['reason']} ${'occasion' in body}`;

process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
const proxy = await startRecordingProxy();
process.env['AWS_ENDPOINT_URL_SQS'] = proxy.url;
process.env['AWS_ENDPOINT_URL_SCHEDULER'] = proxy.url;
const world = await startIncomingWorld();
try {
  const { organizationId, stream } = await playScenario(world);
  const { records, cycles } = await lookEverywhere();
  const concerns = ({ pk, sk }: { readonly pk: string; readonly sk: string }): boolean =>
    pk.startsWith(`${organizationId}#`) || sk === organizationId;
  const golden: GoldenSet = {
    organizationId,
    messages: lastOfEach(proxy.messages, kindOfMessage),
    records: records.filter(concerns).map((item) => marshall(item)),
    cycles: cycles.filter(concerns).map((item) => marshall(item)),
    stream: lastOfEach(
      stream.filter(({ dynamodb }) => dynamodb?.NewImage?.['published'] !== undefined),
      ({ eventName, dynamodb }) => `${eventName} ${dynamodb?.NewImage?.['kind']?.S}`,
    ),
  };
  await mkdir(directory, { recursive: true });
  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(new URL(name, directory), `${JSON.stringify(value, null, 1)}\n`);
  await write('contract.json', describeContract());
  await write('golden.json', golden);
  process.stdout.write(
    `${golden.messages.length} messages, ${golden.records.length} records, ${golden.cycles.length} cycles, ${golden.stream.length} records of the stream\n`,
  );
} finally {
  await world.stop();
  await proxy.stop();
}
process.exit(0);
