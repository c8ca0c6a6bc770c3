import type { Route } from '../route.ts';
import { createOpenApiRoutes } from './openapi.ts';

/** The routes that have the first part of their path in common, loaded when one of them is first asked for. */
type RouteGroup = () => Promise<readonly Route[]>;
export type RouteGroups = Readonly<Record<string, RouteGroup>>;

/**
 * Every route below /v1, by the first part of its path. A new function thus builds the schemas of what it is asked for,
 * and not those of the whole API.
 */
export const routeGroups: RouteGroups = {
  health: async () => (await import('./health.ts')).healthRoutes,
  organizations: async () => (await import('./organizations.ts')).organizationsRoutes,
  organization: async () => (await import('./organization.ts')).organizationRoutes,
  'api-keys': async () => (await import('./api-keys.ts')).apiKeysRoutes,
  sessions: async () => (await import('./sessions.ts')).sessionsRoutes,
  'sign-in': async () => (await import('./sign-in.ts')).signInRoutes,
  'audit-log': async () => (await import('./audit-log.ts')).auditLogRoutes,
  settings: async () => (await import('./settings.ts')).settingsRoutes,
  operations: async () => (await import('./operations.ts')).operationsRoutes,
  'server-profiles': async () => [
    ...(await import('./server-profiles.ts')).serverProfilesRoutes,
    ...(await import('./server-detection.ts')).serverDetectionRoutes,
  ],
  users: async () => (await import('./users.ts')).usersRoutes,
  queues: async () => (await import('./queues.ts')).queuesRoutes,
  teams: async () => (await import('./teams.ts')).teamsRoutes,
  mailboxes: async () => [
    ...(await import('./mailboxes.ts')).mailboxesRoutes,
    ...(await import('./mailbox-actions.ts')).mailboxActionsRoutes,
    ...(await import('./mailbox-schedule.ts')).mailboxScheduleRoutes,
    ...(await import('./mailbox-support.ts')).mailboxSupportRoutes,
    ...(await import('./mailbox-folders.ts')).mailboxFoldersRoutes,
    ...(await import('./mailbox-tracking.ts')).mailboxTrackingRoutes,
    ...(await import('./folder-rules.ts')).folderRulesRoutes,
    ...(await import('./mailbox-bulk.ts')).mailboxBulkRoutes,
    ...(await import('./mailbox-oauth.ts')).mailboxOAuthRoutes,
  ],
  oauth: async () => (await import('./oauth.ts')).oauthRoutes,
  'record-types': async () => (await import('./record-types.ts')).recordTypesRoutes,
  records: async () => (await import('./records.ts')).recordsRoutes,
  resolve: async () => (await import('./resolve.ts')).resolveRoutes,
  emails: async () => [
    ...(await import('./emails.ts')).emailsRoutes,
    ...(await import('./email-actions.ts')).emailActionsRoutes,
    ...(await import('./attachments.ts')).attachmentsRoutes,
  ],
  decisions: async () => (await import('./decisions.ts')).decisionsRoutes,
  feed: async () => (await import('./feed.ts')).feedRoutes,
  consumers: async () => (await import('./consumers.ts')).consumersRoutes,
  webhooks: async () => (await import('./webhooks.ts')).webhooksRoutes,
  events: async () => (await import('./events.ts')).eventsRoutes,
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersRoutes,
  alerts: async () => (await import('./alerts.ts')).alertsRoutes,
  'openapi.json': async () => createOpenApiRoutes(loadRoutes),
};

/** All of them, for what describes the API. */
export const loadRoutes = async (): Promise<readonly Route[]> => {
  const groups = await Promise.all(Object.values(routeGroups).map((load) => load()));
  return groups.flat();
};
