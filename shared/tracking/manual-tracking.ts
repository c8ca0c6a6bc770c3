import type { Reference } from '../platform/values.ts';

/** Somebody asked for a message to be tracked, so no filter and no start of tracking is asked about it. */
export interface ManualTracking {
  /** By a keyword on the message, by the folder that it stands in, or by a request. */
  readonly via: 'category' | 'folder' | 'promoted';
  /** For people to read. */
  readonly detail: string;
  /** What the email is to regard; null: whatever the email that it answers regards. */
  readonly regarding: Reference | null;
  /** Also when its email was deleted in the hub; where only the content tells whether there was one. */
  readonly bringsBack?: boolean | undefined;
  /** Whether an unknown sender becomes a record; undefined: as the settings say. */
  readonly createContact?: boolean | undefined;
}
