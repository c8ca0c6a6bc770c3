import { userSchema } from '../../../shared/owner/owner.ts';
import { userDefinition } from '../../../shared/owner/owner-definitions.ts';
import { createOwnerRoutes } from './owner-routes.ts';

export const usersRoutes = createOwnerRoutes(userDefinition, {
  path: '/users',
  tag: 'Owners',
  noun: 'user',
  answerSchema: userSchema.meta({ id: 'User' }),
});
