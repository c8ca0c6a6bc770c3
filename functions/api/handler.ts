import { logger } from '../common/logger.ts';
import { createApi } from './create-api.ts';
import { createServices } from './create-services.ts';
import { routes } from './routes/index.ts';

export const handler = createApi(createServices(), routes, logger);
