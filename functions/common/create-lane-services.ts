import { createCycleControl } from '../../shared/cycle/create-cycle-control.ts';
import { createCycleStore } from '../../shared/cycle/cycle-store.ts';
import { createSendQuotas } from '../../shared/email/send-quota-table.ts';
import type { SharedLane } from '../../shared/lane-share/share-limits.ts';
import { createContextLoader } from '../../shared/mailbox/load-run-context.ts';
import { createOAuthAccess } from '../../shared/oauth/oauth-access.ts';
import { createOperationWatch } from '../../shared/operation/operation-watch.ts';
import {
  createDocumentClient,
  createKeyClient,
  createQueueClient,
  createStorageClient,
} from '../../shared/platform/aws-clients.ts';
import { createContentStore } from '../../shared/platform/content-store.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { createSecretVault } from '../../shared/platform/secrets.ts';
import { createConnectionGate } from '../../shared/throttle/connection-gate.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { createAuthorizationServers } from '../../shared/transport/oauth/authorization-servers.ts';
import { createLaneSharing } from './create-lane-sharing.ts';
import type { readLaneEnvironment } from './read-lane-environment.ts';

/** The collaborators of the lanes, built once per cold start. */
export const createLaneServices = (environment: ReturnType<typeof readLaneEnvironment>) => {
  const document = createDocumentClient();
  const now = (): Date => new Date();
  const table = createRecordsTable(document, environment.RECORDS_TABLE);
  const store = new EntityStore(table);
  const queues = createLaneQueues(createQueueClient(), {
    incoming: environment.INCOMING_QUEUE_URL,
    outgoing: environment.OUTGOING_QUEUE_URL,
    operations: environment.OPERATIONS_QUEUE_URL,
  });
  const vault = createSecretVault(createKeyClient(), environment.SECRETS_KEY_ID, table);
  const dialler = createDialler(createHostPolicy(environment.ALLOWED_HOST_RANGES));
  const oauth = createOAuthAccess({ store, vault, servers: createAuthorizationServers(dialler, Date.now), now });
  return {
    now,
    random: Math.random,
    table,
    store,
    queues,
    vault,
    content: createContentStore(createStorageClient(), environment.CONTENT_BUCKET),
    cycleStore: createCycleStore(document, environment.CYCLES_TABLE),
    cycles: createCycleControl({ document, tableName: environment.CYCLES_TABLE, queues, now }),
    operationWatch: createOperationWatch(document, environment.CYCLES_TABLE),
    oauth,
    loader: createContextLoader(store, { vault, oauth }),
    gate: createConnectionGate(
      createThrottle(document, environment.CYCLES_TABLE, Date.now),
      environment.HOST_CONNECTION_CAPS,
      Date.now,
    ),
    sharingOf: (lane: SharedLane) => createLaneSharing(lane, { document, store }, environment),
    sendQuotas: createSendQuotas(document, environment.CYCLES_TABLE),
    dialler,
  };
};

export type LaneServices = ReturnType<typeof createLaneServices>;
