import { teamSchema } from '../../../shared/owner/owner.ts';
import { teamDefinition } from '../../../shared/owner/owner-definitions.ts';
import { createOwnerRoutes } from './owner-routes.ts';

export const teamsRoutes = createOwnerRoutes(teamDefinition, {
  path: '/teams',
  tag: 'Owners',
  noun: 'team',
  answerSchema: teamSchema.meta({ id: 'Team' }),
});
