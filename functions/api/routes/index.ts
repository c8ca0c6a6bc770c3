import type { Route } from '../route.ts';
import { apiKeysRoutes } from './api-keys.ts';
import { healthRoutes } from './health.ts';
import { operationsRoutes } from './operations.ts';
import { organizationRoutes } from './organization.ts';
import { organizationsRoutes } from './organizations.ts';
import { settingsRoutes } from './settings.ts';

/** Every route below /v1. */
export const routes: readonly Route[] = [
  ...healthRoutes,
  ...organizationsRoutes,
  ...organizationRoutes,
  ...apiKeysRoutes,
  ...settingsRoutes,
  ...operationsRoutes,
];
