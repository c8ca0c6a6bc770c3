import { TransportError } from '../transport/transport-error.ts';
import { WithheldError } from './withheld-messages.ts';

/**
 * Whether it may be the folder alone that a server refuses: some list folders that they then do not open, for want of a
 * right or for a name that is none. A session that broke off looks the same, and refuses every other folder, too. Who
 * withholds one message has opened its folder.
 */
export const isRefusedFolder = (error: unknown): error is TransportError =>
  error instanceof TransportError &&
  !(error instanceof WithheldError) &&
  error.level === 'mailbox' &&
  (error.fault.code === 'serverError' || error.fault.code === 'accessDenied');
