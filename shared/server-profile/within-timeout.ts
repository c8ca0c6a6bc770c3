import type { Organization } from '../organization/organization.ts';
import type { ServerProfile } from './server-profile.ts';

/** The profile with the time for which its servers are waited for, as far as the organization allows it. */
export const withinTimeout = ({ settings }: Pick<Organization, 'settings'>, profile: ServerProfile): ServerProfile => ({
  ...profile,
  timeoutSeconds: Math.min(profile.timeoutSeconds, settings.limits.timeoutSeconds),
});
