import { Logger } from '@aws-lambda-powertools/logger';

/** One line per invocation plus faults. Nothing that is logged may hold a body, an address list, a token or a secret. */
export const logger = new Logger();
