import { webhookMessageSchema } from '../../shared/cycle/lane-message.ts';
import { createOperationWatch } from '../../shared/operation/operation-watch.ts';
import {
  createDocumentClient,
  createKeyClient,
  createQueueClient,
  createSchedulerClient,
} from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { createSecretVault } from '../../shared/platform/secrets.ts';
import { createTimers } from '../../shared/platform/timers.ts';
import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { createDialledPost } from '../../shared/transport/http/dialled-post.ts';
import { type DeliveryDependencies, deliverPending } from '../../shared/webhook/deliver-pending.ts';
import { attemptSeconds } from '../../shared/webhook/post-event.ts';
import { webhooksLane } from '../../shared/webhook/webhook-message.ts';
import { createWebhookStates } from '../../shared/webhook/webhook-states.ts';
import { createLaneSharing } from '../common/create-lane-sharing.ts';
import { createLaneHandler } from '../common/lane-handler.ts';

const environment = readConfiguration([
  'CYCLES_TABLE',
  'RECORDS_TABLE',
  'SECRETS_KEY_ID',
  'WEBHOOKS_QUEUE_URL',
  'WEBHOOKS_QUEUE_ARN',
  'SCHEDULE_GROUP',
  'SCHEDULER_ROLE_ARN',
  'SCHEDULER_DEAD_LETTER_ARN',
  'ALLOWED_HOST_RANGES',
  'LANE_CONCURRENCY',
  'ORGANIZATION_SHARE_PERCENT',
]);
const document = createDocumentClient();
const table = createRecordsTable(document, environment.RECORDS_TABLE);
const hostPolicy = createHostPolicy(environment.ALLOWED_HOST_RANGES);
const dialler = createDialler(hostPolicy);
const queues = createLaneQueues(createQueueClient(), { webhooks: environment.WEBHOOKS_QUEUE_URL });
const deps: DeliveryDependencies = {
  store: new EntityStore(table),
  queues,
  operationWatch: createOperationWatch(document, environment.CYCLES_TABLE),
  webhookStates: createWebhookStates(document, environment.CYCLES_TABLE),
  vault: createSecretVault(createKeyClient(), environment.SECRETS_KEY_ID, table),
  timers: createTimers(createSchedulerClient(), {
    groupName: environment.SCHEDULE_GROUP,
    roleArn: environment.SCHEDULER_ROLE_ARN,
    deadLetterArn: environment.SCHEDULER_DEAD_LETTER_ARN,
    queueArns: { webhooks: environment.WEBHOOKS_QUEUE_ARN },
  }),
  connect: () => createDialledPost({ dialler, hostPolicy, timeoutSeconds: attemptSeconds }),
  random: Math.random,
  now: () => new Date(),
};

export const handler = createLaneHandler(
  webhooksLane,
  queues,
  (record, invocation) =>
    deliverPending(deps, webhookMessageSchema.parse(JSON.parse(record.body)), {
      receiveCount: record.receiveCount,
      remainingMilliseconds: invocation.remainingMilliseconds(),
    }),
  { sharing: createLaneSharing(webhooksLane, { document, store: deps.store }, environment) },
);
