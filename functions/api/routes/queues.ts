import { queueSchema } from '../../../shared/owner/owner.ts';
import { queueDefinition } from '../../../shared/owner/owner-definitions.ts';
import { createOwnerRoutes } from './owner-routes.ts';

export const queuesRoutes = createOwnerRoutes(queueDefinition, {
  path: '/queues',
  tag: 'Owners',
  noun: 'queue',
  answerSchema: queueSchema.meta({ id: 'Queue' }),
});
