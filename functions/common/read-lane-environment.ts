import { readConfiguration } from '../../shared/platform/configuration.ts';

/** What the functions of all lanes read from their environment. */
export const readLaneEnvironment = () =>
  readConfiguration([
    'CYCLES_TABLE',
    'RECORDS_TABLE',
    'CONTENT_BUCKET',
    'SECRETS_KEY_ID',
    'INCOMING_QUEUE_URL',
    'OUTGOING_QUEUE_URL',
    'OPERATIONS_QUEUE_URL',
    'ALLOWED_HOST_RANGES',
    'HOST_CONNECTION_CAPS',
    'LANE_CONCURRENCY',
    'ORGANIZATION_SHARE_PERCENT',
  ]);
