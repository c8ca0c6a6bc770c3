import type { KMSClient } from '@aws-sdk/client-kms';
import { createCycleControl } from '../../shared/cycle/create-cycle-control.ts';
import { createOAuthAccess } from '../../shared/oauth/oauth-access.ts';
import { createOperationWatch } from '../../shared/operation/operation-watch.ts';
import { createRetirementWatch } from '../../shared/owner/retirement-watch.ts';
import {
  createDocumentClient,
  createKeyClient,
  createQueueClient,
  createStorageClient,
} from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { createContentStore } from '../../shared/platform/content-store.ts';
import { createDeploymentSecret } from '../../shared/platform/deployment-secret.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { createSecretVault } from '../../shared/platform/secrets.ts';
import { RequestMeter } from '../../shared/quota/request-meter.ts';
import {
  clientSecretPurpose,
  configureProvider,
  identityProviderSchema,
} from '../../shared/session/identity-provider.ts';
import { createConnectionGate } from '../../shared/throttle/connection-gate.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { createThrottleReader } from '../../shared/throttle/throttle-reader.ts';
import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { createNameService } from '../../shared/transport/name-service.ts';
import { createAuthorizationServers } from '../../shared/transport/oauth/authorization-servers.ts';
import { createWebhookStates } from '../../shared/webhook/webhook-states.ts';
import type { Services } from './services.ts';

const createIdentityProvider = (client: KMSClient, keyId: string, option: unknown): Services['identityProvider'] => {
  const provider = identityProviderSchema.optional().parse(option);
  if (provider === undefined) return undefined;
  const ciphertext = provider.clientSecretCiphertext;
  return configureProvider(
    provider,
    ciphertext === null ? undefined : createDeploymentSecret(client, keyId, clientSecretPurpose, ciphertext),
  );
};

/** The collaborators of the routes, from the environment of the function. */
export const createServices = (now: () => Date = () => new Date()): Services => {
  const configuration = readConfiguration([
    'CYCLES_TABLE',
    'RECORDS_TABLE',
    'CONTENT_BUCKET',
    'SECRETS_KEY_ID',
    'INCOMING_QUEUE_URL',
    'OUTGOING_QUEUE_URL',
    'OPERATIONS_QUEUE_URL',
    'WEBHOOKS_QUEUE_URL',
    'ALLOWED_HOST_RANGES',
    'HOST_CONNECTION_CAPS',
    'ALLOW_INSECURE_CREDENTIALS',
    'IDENTITY_PROVIDER',
    'HUB_URL',
    'VERSION',
  ]);
  const document = createDocumentClient();
  const tableName = configuration.CYCLES_TABLE;
  const table = createRecordsTable(document, configuration.RECORDS_TABLE);
  const queues = createLaneQueues(createQueueClient(), {
    incoming: configuration.INCOMING_QUEUE_URL,
    outgoing: configuration.OUTGOING_QUEUE_URL,
    operations: configuration.OPERATIONS_QUEUE_URL,
    webhooks: configuration.WEBHOOKS_QUEUE_URL,
  });
  const hostPolicy = createHostPolicy(configuration.ALLOWED_HOST_RANGES);
  const dialler = createDialler(hostPolicy);
  const store = new EntityStore(table);
  const keyClient = createKeyClient();
  const keyId = configuration.SECRETS_KEY_ID;
  const vault = createSecretVault(keyClient, keyId, table);
  const authorizationServers = createAuthorizationServers(dialler, () => now().getTime());
  const throttle = createThrottle(document, tableName, () => now().getTime());
  return {
    table,
    store,
    content: createContentStore(createStorageClient(), configuration.CONTENT_BUCKET),
    vault,
    queues,
    cycles: createCycleControl({ document, tableName, queues, now }),
    throttle: createThrottleReader({ document, tableName, now }),
    meter: new RequestMeter(table, now),
    operationWatch: createOperationWatch(document, tableName),
    retirementWatch: createRetirementWatch(document, tableName),
    webhookStates: createWebhookStates(document, tableName),
    gate: createConnectionGate(throttle, configuration.HOST_CONNECTION_CAPS, () => now().getTime()),
    dialler,
    authorizationServers,
    oauth: createOAuthAccess({ store, vault, servers: authorizationServers, now }),
    identityProvider: createIdentityProvider(keyClient, keyId, configuration.IDENTITY_PROVIDER),
    hubUrl: configuration.HUB_URL,
    hostPolicy,
    names: createNameService(),
    allowInsecureCredentials: configuration.ALLOW_INSECURE_CREDENTIALS,
    version: configuration.VERSION,
    now,
  };
};
