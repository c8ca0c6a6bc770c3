import type { Settings } from '../organization/settings.ts';
import type { TrackingContext } from './tracking-run.ts';

/** The keywords on messages that stand for the tracked category. */
export interface TrackedKeywords {
  readonly tracked: string;
  /** On messages that somebody wanted tracked and that could not be. */
  readonly undeliverable: string;
}

/** Keywords are atoms (RFC 9051 section 2.3.2), so blanks become underscores. */
export const keywordsOf = ({ name }: Pick<Settings['tracking']['category'], 'name'>): TrackedKeywords => {
  const tracked = name.trim().replace(/ /g, '_');
  return { tracked, undeliverable: `${tracked}_Undeliverable` };
};

/** Whether messages of this mailbox get the keyword, and whether one put on by a person counts. */
export const usesKeyword = ({ organization, mailbox }: Pick<TrackingContext, 'organization' | 'mailbox'>): boolean =>
  organization.settings.tracking.category.enabled &&
  mailbox.kind !== 'forward' &&
  mailbox.workloads.incoming.mode === 'active';
