import type { Route } from '../route.ts';
import { apiKeysRoutes } from './api-keys.ts';
import { deadLettersRoutes } from './dead-letters.ts';
import { decisionsRoutes } from './decisions.ts';
import { feedRoutes } from './feed.ts';
import { healthRoutes } from './health.ts';
import { describeRoutes } from './openapi.ts';
import { operationsRoutes } from './operations.ts';
import { organizationRoutes } from './organization.ts';
import { organizationsRoutes } from './organizations.ts';
import { recordTypesRoutes } from './record-types.ts';
import { recordsRoutes } from './records.ts';
import { resolveRoutes } from './resolve.ts';
import { settingsRoutes } from './settings.ts';

/** Every route below /v1. */
export const routes: readonly Route[] = describeRoutes([
  ...healthRoutes,
  ...organizationsRoutes,
  ...organizationRoutes,
  ...apiKeysRoutes,
  ...settingsRoutes,
  ...operationsRoutes,
  ...recordTypesRoutes,
  ...recordsRoutes,
  ...resolveRoutes,
  ...decisionsRoutes,
  ...feedRoutes,
  ...deadLettersRoutes,
]);
