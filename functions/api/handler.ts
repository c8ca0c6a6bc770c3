import { logger } from '../common/logger.ts';
import { createApi } from './create-api.ts';
import { createServices } from './create-services.ts';
import { routeGroups } from './routes/index.ts';

export const handler = createApi(createServices(), routeGroups, logger);
