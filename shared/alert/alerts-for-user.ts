import type { Settings } from '../organization/settings.ts';
import type { Alert } from './alert.ts';

/** Whether a user sees an alert: of the own mailbox, and of the levels that the organization shows to users. */
export const isShownToUser = (
  alert: Pick<Alert, 'level' | 'mailboxId'>,
  settings: Pick<Settings, 'alerts'>,
  mailboxId: string,
): boolean => alert.mailboxId === mailboxId && settings.alerts.userLevels.includes(alert.level);
