import type { Route } from '../route.ts';
import { alertsRoutes } from './alerts.ts';
import { apiKeysRoutes } from './api-keys.ts';
import { attachmentsRoutes } from './attachments.ts';
import { deadLettersRoutes } from './dead-letters.ts';
import { decisionsRoutes } from './decisions.ts';
import { emailActionsRoutes } from './email-actions.ts';
import { emailsRoutes } from './emails.ts';
import { feedRoutes } from './feed.ts';
import { healthRoutes } from './health.ts';
import { mailboxActionsRoutes } from './mailbox-actions.ts';
import { mailboxBulkRoutes } from './mailbox-bulk.ts';
import { mailboxFoldersRoutes } from './mailbox-folders.ts';
import { mailboxScheduleRoutes } from './mailbox-schedule.ts';
import { mailboxesRoutes } from './mailboxes.ts';
import { describeRoutes } from './openapi.ts';
import { operationsRoutes } from './operations.ts';
import { organizationRoutes } from './organization.ts';
import { organizationsRoutes } from './organizations.ts';
import { queuesRoutes } from './queues.ts';
import { recordTypesRoutes } from './record-types.ts';
import { recordsRoutes } from './records.ts';
import { resolveRoutes } from './resolve.ts';
import { serverProfilesRoutes } from './server-profiles.ts';
import { settingsRoutes } from './settings.ts';
import { teamsRoutes } from './teams.ts';
import { usersRoutes } from './users.ts';

/** Every route below /v1. */
export const routes: readonly Route[] = describeRoutes([
  ...healthRoutes,
  ...organizationsRoutes,
  ...organizationRoutes,
  ...apiKeysRoutes,
  ...settingsRoutes,
  ...operationsRoutes,
  ...serverProfilesRoutes,
  ...usersRoutes,
  ...queuesRoutes,
  ...teamsRoutes,
  ...mailboxesRoutes,
  ...mailboxActionsRoutes,
  ...mailboxScheduleRoutes,
  ...mailboxFoldersRoutes,
  ...mailboxBulkRoutes,
  ...recordTypesRoutes,
  ...recordsRoutes,
  ...resolveRoutes,
  ...emailsRoutes,
  ...emailActionsRoutes,
  ...attachmentsRoutes,
  ...decisionsRoutes,
  ...feedRoutes,
  ...deadLettersRoutes,
  ...alertsRoutes,
]);
