import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { laneMetricNames } from '../shared/platform/metric-names.ts';
import { Api } from './api.ts';
import { DeadLetters } from './dead-letters.ts';
import type { DeploymentOptions } from './deployment-options.ts';
import { Feed } from './feed.ts';
import type { HubFunction } from './hub-function.ts';
import { Lane } from './lane.ts';
import { laneMetric, resourceMetric } from './metrics.ts';
import { OperatorAlarms } from './operator-alarms.ts';
import { OperatorDashboard } from './operator-dashboard.ts';
import { OperatorKey } from './operator-key.ts';
import { Recovery } from './recovery.ts';
import { Schedules } from './schedules.ts';
import { cycleActions, readAndWrite, State } from './state.ts';
import { SupportDashboard } from './support-dashboard.ts';
import { SupportQueries } from './support-queries.ts';
import { Watchdog } from './watchdog.ts';
import { Webhooks } from './webhooks.ts';

export interface MailboxSyncStackProps {
  readonly options: DeploymentOptions;
  /** Shown by the API's health answer. */
  readonly version: string;
}

/**
 * The whole deployed system. The identifiers given to `state` and `lanes` and to what is inside them name tables,
 * bucket, key and queues in CloudFormation: to change one is to replace the thing and lose what it holds.
 */
export class MailboxSyncStack extends Stack {
  constructor(scope: Construct, id: string, { options, version }: MailboxSyncStackProps) {
    const { prefix } = options;
    const retain = options.removalPolicy === 'retain';
    super(scope, id, {
      stackName: prefix,
      description: 'Mailbox Sync: server-side synchronization of mailboxes for any CRM',
      terminationProtection: retain,
    });

    const restored = { cyclesTable: options.restoredCyclesTable, records: options.restoredRecordsStream };
    const state = new State(this, 'State', { prefix, retain, corsOrigin: options.corsOrigin, restored });
    const { organizationSharePercent } = options;
    const lane = { prefix, timeoutSeconds: options.laneTimeoutSeconds, organizationSharePercent };
    const incoming = new Lane(this, 'Incoming', {
      ...lane,
      name: 'incoming',
      description: 'Reads mailboxes and decides what becomes a record',
      concurrency: options.incomingConcurrency,
    });
    const outgoing = new Lane(this, 'Outgoing', {
      ...lane,
      name: 'outgoing',
      description: 'Sends accepted email',
      concurrency: options.outgoingConcurrency,
    });
    const operations = new Lane(this, 'Operations', {
      ...lane,
      timeoutSeconds: options.operationsTimeoutSeconds,
      name: 'operations',
      description: 'Does long work: tests of mailboxes, bulk changes',
      concurrency: options.operationsConcurrency,
    });
    const cycleLanes = [incoming, outgoing];
    const lanes = [...cycleLanes, operations];
    const webhooks = new Webhooks(this, 'Webhooks', {
      prefix,
      concurrency: options.webhooksConcurrency,
      organizationSharePercent,
    });
    const schedules = new Schedules(this, 'Schedules', { prefix, lanes: [...lanes, webhooks] });
    const { corsOrigin, domain, publicUrl, identityProvider } = options;
    const api = new Api(this, 'Api', { prefix, version, corsOrigin, domain, publicUrl, identityProvider });
    const feed = new Feed(this, 'Feed', { prefix, records: state.records });
    const watchdog = new Watchdog(this, 'Watchdog', {
      prefix,
      periodSeconds: options.watchdogPeriodSeconds,
      visibilitySeconds: incoming.visibilitySeconds,
    });
    const deadLetters = new DeadLetters(this, 'DeadLetters', {
      prefix,
      queues: [...[...lanes, webhooks].map(({ deadLetterQueue }) => deadLetterQueue), schedules.deadLetterQueue],
    });
    const operatorKey = new OperatorKey(this, 'OperatorKey', { prefix });
    const recovery = new Recovery(this, 'Recovery', { prefix });

    for (const hubFunction of [...lanes.map((each) => each.hubFunction), api.hubFunction]) {
      state.allowCycles(hubFunction, cycleActions);
      state.allowRecords(hubFunction, readAndWrite);
      for (const each of lanes) each.allowSend(hubFunction);
      allowEgress(hubFunction, options);
    }
    // Who erases an organization finds what is left of it.
    state.allowCycles(operations.hubFunction, ['Scan']);
    for (const { hubFunction } of lanes) schedules.allowTimers(hubFunction);
    for (const { hubFunction } of lanes) state.allowSecrets(hubFunction, { seal: false });
    state.allowSecrets(api.hubFunction, { seal: true });
    // A duplicate that is found late, a removed email, an erased organization take their bytes along.
    state.allowContent(api.hubFunction, ['read', 'write', 'remove']);
    state.allowContent(incoming.hubFunction, ['write', 'remove']);
    state.allowContent(outgoing.hubFunction, ['read', 'write']);
    state.allowContent(operations.hubFunction, ['read', 'write', 'remove']);

    state.allowCycles(webhooks.hubFunction, ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem']);
    state.allowRecords(webhooks.hubFunction, readAndWrite);
    state.allowSecrets(webhooks.hubFunction, { seal: false });
    schedules.allowTimers(webhooks.hubFunction);
    allowEgress(webhooks.hubFunction, options);
    // The api tells of changed webhooks, the feed rings for new events, the watchdog for lost rings, and the function
    // itself when there is more than one slice takes.
    for (const each of [webhooks, api, feed, watchdog]) webhooks.allowSend(each.hubFunction);

    state.allowRecords(feed.hubFunction, readAndWrite);
    // Repeats the wake of a Send, which is counted in the cycle.
    state.allowCycles(feed.hubFunction, ['UpdateItem']);
    for (const each of lanes) each.allowSend(feed.hubFunction);

    // Rebuilds what cannot be read, and ends operations that are past their limit.
    state.allowCycles(watchdog.hubFunction, ['Scan', ...cycleActions]);
    state.allowRecords(watchdog.hubFunction, readAndWrite);
    for (const each of lanes) {
      each.allowSend(watchdog.hubFunction);
      each.allowMeasure(watchdog.hubFunction);
    }

    state.allowRecords(deadLetters.hubFunction, readAndWrite);
    // Notes at the cycle that its next success clears the alert.
    state.allowCycles(deadLetters.hubFunction, ['UpdateItem']);
    state.allowRecords(operatorKey.hubFunction, ['PutItem']);
    state.allowRecords(recovery.hubFunction, ['Query', 'UpdateItem']);
    state.allowCycles(recovery.hubFunction, ['Scan', 'PutItem']);

    const functions: HubFunction[] = [
      api.hubFunction,
      ...[...lanes, webhooks].map(({ hubFunction }) => hubFunction),
      feed.hubFunction,
      watchdog.hubFunction,
      deadLetters.hubFunction,
      operatorKey.hubFunction,
      recovery.hubFunction,
    ];
    const alarms = new OperatorAlarms(this, 'Alarms', { prefix, topicArn: options.alarmTopicArn });
    for (const each of [...lanes, webhooks]) each.addAlarms(alarms);
    for (const each of cycleLanes) each.addCycleAlarms(alarms, watchdog.alarmPeriod);
    for (const each of [schedules, watchdog, feed, api]) each.addAlarms(alarms);
    addSendAlarm(alarms, prefix);
    addCostAlarm(alarms, prefix);
    addTableAlarms(alarms, state);
    new OperatorDashboard(this, 'Dashboard', {
      prefix,
      lanes,
      cycleLanes,
      webhooks,
      schedules,
      state,
      feed,
      api,
      functions,
      alarms,
    });

    const logGroups = {
      lanes: cycleLanes.map(({ hubFunction }) => hubFunction.logGroup),
      api: [api.hubFunction.logGroup],
      access: [api.accessLog],
      watchdog: [watchdog.hubFunction.logGroup],
      deadLetters: [deadLetters.hubFunction.logGroup],
      all: functions.map(({ logGroup }) => logGroup),
    };
    new SupportDashboard(this, 'SupportDashboard', {
      prefix,
      cycleLanes,
      lanes: [...lanes, webhooks],
      state,
      logGroups,
    });
    if (options.savedQueries) new SupportQueries(this, 'SupportQueries', { prefix, logGroups });

    const outputs: Readonly<Record<string, string>> = {
      HubUrl: api.url,
      ConsoleUrl: `${api.url}/console`,
      HubApiId: api.httpApi.apiId,
      OperatorKeyFunctionName: operatorKey.hubFunction.function.functionName,
      RecoveryFunctionName: recovery.hubFunction.function.functionName,
      RecordsTableName: state.records.tableName,
      CyclesTableName: state.cycles.tableName,
      ContentBucketName: state.content.bucketName,
      IncomingQueueUrl: incoming.queue.queueUrl,
      OutgoingQueueUrl: outgoing.queue.queueUrl,
      OperationsQueueUrl: operations.queue.queueUrl,
      IncomingDeadLetterQueueUrl: incoming.deadLetterQueue.queueUrl,
      OutgoingDeadLetterQueueUrl: outgoing.deadLetterQueue.queueUrl,
      OperationsDeadLetterQueueUrl: operations.deadLetterQueue.queueUrl,
      ScheduleGroupName: schedules.group.scheduleGroupName,
      WatchdogFunctionName: watchdog.hubFunction.function.functionName,
      LaneFunctionNames: this.toJsonString(
        Object.fromEntries(lanes.map(({ name, hubFunction }) => [name, hubFunction.function.functionName])),
      ),
      ...(api.domain === undefined ? {} : { HubDomainTarget: api.domain.regionalDomainName }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** For functions that speak with mail servers, or check where somebody wants them to. */
const allowEgress = (target: HubFunction, options: DeploymentOptions): void => {
  if (options.egress !== undefined) target.leaveThrough(options.egress);
  target.addEnvironment({
    ALLOWED_HOST_RANGES: options.allowedHostRanges.join(','),
    HOST_CONNECTION_CAPS: JSON.stringify(options.hostConnectionCaps),
    ALLOW_INSECURE_CREDENTIALS: String(options.allowInsecureCredentials),
  });
};

const addSendAlarm = (alarms: OperatorAlarms, prefix: string): void =>
  alarms.add({
    name: 'unconfirmed-sends',
    impact:
      'The connection broke while an email was handed over: nobody knows whether it was delivered, a person has to decide.',
    runbook: 'unconfirmed-sends',
    metric: laneMetric(prefix, 'outgoing', laneMetricNames.unconfirmedSends, { statistic: 'Sum' }),
    threshold: 1,
  });

const addCostAlarm = (alarms: OperatorAlarms, prefix: string): void =>
  alarms.add({
    name: 'requests-per-cycle',
    impact: 'Idle cycles make more requests to AWS than they should: mail moves as before, and the bill grows.',
    runbook: 'requests-per-cycle',
    metric: laneMetric(prefix, 'incoming', laneMetricNames.idleRequestsPerCycle, {
      statistic: 'Average',
      period: Duration.hours(1),
    }),
    threshold: 12,
    periods: 3,
  });

const addTableAlarms = (alarms: OperatorAlarms, state: State): void => {
  for (const table of ['cycles', 'records'] as const)
    for (const kind of ['Read', 'Write'] as const)
      alarms.add({
        name: `${table}-${kind.toLowerCase()}-throttles`,
        impact: `DynamoDB refuses ${kind.toLowerCase()}s of the ${table} table: work is repeated and mail is late.`,
        runbook: 'throttles',
        metric: resourceMetric(
          'AWS/DynamoDB',
          `${kind}ThrottleEvents`,
          { TableName: state[table].tableName },
          { statistic: 'Sum' },
        ),
        threshold: 10,
        periods: 3,
      });
};
