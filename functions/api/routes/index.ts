import type { Route } from '../route.ts';
import { healthRoutes } from './health.ts';

/** Every route below /v1. */
export const routes: readonly Route[] = [...healthRoutes];
