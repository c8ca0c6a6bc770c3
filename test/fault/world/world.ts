import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type MailServers, startMailServers } from '../../../local/mail-servers.ts';
import { createRunDirectory } from '../../../local/paths.ts';
import { createStreamReader } from '../../integration/read-stream.ts';
import { startTestCloud } from '../../support/local-cloud.ts';
import { FaultPlan } from '../plan/fault-plan.ts';
import { writeFunctionCode } from '../process/function-code.ts';
import { FunctionPool } from '../process/function-pool.ts';
import { AwsProxy } from '../proxy/aws-proxy.ts';
import { MailProxy } from '../proxy/mail-proxy.ts';
import { Invoker } from './invoker.ts';
import { Lanes, visibilitySeconds } from './lanes.ts';
import { Pulse } from './pulse.ts';
import { StreamFeeder } from './stream-feeder.ts';
import { Timers } from './timers.ts';
import { WorldClock } from './world-clock.ts';

export const watchdogPeriodSeconds = 300;
/** The emulator fires its schedules by the machine's clock, so that one must always be behind. */
const firstAhead = 3_600_000;

/** Everything around the functions: the emulator, the mail servers, the proxies, the clock, and what invokes them. */
export interface World {
  readonly clock: WorldClock;
  readonly pulse: Pulse;
  readonly invoker: Invoker;
  readonly lanes: Lanes;
  readonly timers: Timers;
  readonly stream: StreamFeeder;
  readonly mail: MailServers;
  readonly mailProxy: MailProxy;
  readonly document: DynamoDBDocumentClient;
  readonly storage: S3Client;
  readonly cyclesTable: string;
  readonly recordsTable: string;
  readonly bucket: string;
  /** Where logs are. */
  readonly directory: string;
  readonly plan: () => FaultPlan;
  readonly setPlan: (plan: FaultPlan) => void;
  readonly stop: () => Promise<void>;
}

const addressesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `m${index + 1}@example.test`);

/** Starts a world with so many mail users. One that fails to start leaves nothing behind. */
export const startWorld = async (mailUsers: number): Promise<World> => {
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    return await start(mailUsers, (one) => stops.push(one), stop);
  } catch (error) {
    await stop();
    throw error;
  }
};

const start = async (
  mailUsers: number,
  onStop: (stop: () => unknown) => void,
  stop: () => Promise<void>,
): Promise<World> => {
  const run = await createRunDirectory();
  onStop(run.remove);
  const cloud = await startTestCloud();
  onStop(cloud.stop);
  const mail = await startMailServers({
    runDirectory: run.path,
    addresses: addressesOf(mailUsers),
    maxUserConnections: 200,
  });
  onStop(mail.stop);
  const { variables } = await cloud.createHubResources();
  // The reader of the stream takes its endpoint from here.
  process.env['AWS_ENDPOINT_URL'] = cloud.clientConfiguration.endpoint;
  const code = await writeFunctionCode(run.path);

  let plan = new FaultPlan();
  const pulse = new Pulse();
  const clock = new WorldClock(firstAhead);
  const urls = {
    incoming: variables['INCOMING_QUEUE_URL'] ?? '',
    outgoing: variables['OUTGOING_QUEUE_URL'] ?? '',
    operations: variables['OPERATIONS_QUEUE_URL'] ?? '',
  };
  const client = new SQSClient(cloud.clientConfiguration);
  const find = (address: string | undefined) => pool.find(address);
  const decide = (step: Parameters<FaultPlan['decide']>[0]) => plan.decide(step);
  const onActivity = (): void => pulse.stir();
  const onAsk = (): (() => void) => pulse.ask();
  const onHang: AwsProxyHang = (process) => invoker.noteHang(process);
  const awsProxy = await AwsProxy.start({
    endpointUrl: cloud.clientConfiguration.endpoint,
    find,
    decide,
    onActivity,
    onAsk,
    onHang,
    intercept: (call) => lanes.answer(call),
    onDone: (call) => {
      if (call.service === 'sqs' && call.name.startsWith('SendMessage')) lanes.noteSend(call.name.split(' ')[1] ?? '');
      if (call.service === 'scheduler') timers.note(call);
      if (call.service === 'dynamodb' && /^(Put|Update|Delete|Transact|BatchWrite)/.test(call.name)) stream.noteWrite();
      pulse.beat();
    },
  });
  onStop(() => awsProxy.stop());
  const { ports, certificates } = await endpointsOf(mail, run.path);
  const mailProxy = await MailProxy.start({
    ...certificates,
    ...ports,
    find,
    decide,
    onActivity,
    onAsk,
    onHang,
    onServerDeath: () => restart(mail).finally(pulse.ask()),
  });
  onStop(() => mailProxy.stop());
  const pool = new FunctionPool({
    code,
    logFile: join(run.path, 'functions.log'),
    spares: { incoming: 1, outgoing: 1, api: 1, feed: 1, operations: 1 },
    environment: {
      // Queue URLs name the endpoint, too, and the SDK follows them.
      ...Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [
          name,
          value.replace(cloud.clientConfiguration.endpoint, awsProxy.url),
        ]),
      ),
      NODE_COMPILE_CACHE: join(run.path, 'compiled'),
      POWERTOOLS_LOG_LEVEL: 'ERROR',
      LANE_TIMEOUT_SECONDS: '120',
      LANE_VISIBILITY_SECONDS: String(visibilitySeconds),
      LANE_CONCURRENCY: '3',
      ORGANIZATION_SHARE_PERCENT: '40',
      WATCHDOG_PERIOD_SECONDS: String(watchdogPeriodSeconds),
    },
  });
  onStop(() => pool.stop());
  const invoker = new Invoker(pool, clock, pulse);
  const lanes = new Lanes({ client, urls, invoker, clock, plan: () => plan });
  const timers = new Timers({
    scheduler: new SchedulerClient(cloud.clientConfiguration),
    queues: client,
    urls,
    groupName: variables['SCHEDULE_GROUP'] ?? '',
    clock,
    plan: () => plan,
    onSend: (lane) => lanes.noteSend(lane),
    onDouble: (lane, group, body) => lanes.addDouble(lane, group, body),
  });
  const recordsTable = variables['RECORDS_TABLE'] ?? '';
  const stream = new StreamFeeder({ read: createStreamReader(recordsTable), invoker, clock, plan: () => plan });
  return {
    clock,
    pulse,
    invoker,
    lanes,
    timers,
    stream,
    mail,
    mailProxy,
    document: DynamoDBDocumentClient.from(new DynamoDBClient(cloud.clientConfiguration), {
      marshallOptions: { removeUndefinedValues: true },
    }),
    storage: new S3Client({ ...cloud.clientConfiguration, forcePathStyle: true }),
    cyclesTable: variables['CYCLES_TABLE'] ?? '',
    recordsTable,
    bucket: variables['CONTENT_BUCKET'] ?? '',
    directory: run.path,
    plan: () => plan,
    setPlan: (next) => {
      plan = next;
    },
    stop,
  };
};

const restart = async ({ dovecot }: MailServers): Promise<void> => {
  await dovecot.stop();
  await dovecot.start();
};

type AwsProxyHang = Parameters<typeof AwsProxy.start>[0]['onHang'];

const endpointsOf = async (mail: MailServers, directory: string) => ({
  ports: { imapPort: mail.environment.imap.port, smtpPort: mail.environment.submission.port },
  certificates: {
    certificate: await readFile(join(directory, 'mail', 'certificates', 'certificate.pem'), 'utf8'),
    key: await readFile(join(directory, 'mail', 'certificates', 'key.pem'), 'utf8'),
  },
});
