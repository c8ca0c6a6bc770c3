import { keywordsOf, usesKeyword } from './tracked-keyword.ts';
import type { TrackingRun } from './tracking-run.ts';

/**
 * Puts the tracked keyword on messages, where that is switched on and the server keeps keywords.
 *
 * @returns those that have it now
 */
export const markTracked = async (
  run: Pick<TrackingRun, 'organization' | 'mailbox' | 'session'>,
  folder: string,
  uidValidity: string,
  uids: readonly number[],
): Promise<readonly number[]> => {
  const { marks } = run.session;
  if (uids.length === 0 || marks === undefined || !usesKeyword(run)) return [];
  const { tracked } = keywordsOf(run.organization.settings.tracking.category);
  return (await marks.changeKeywords(folder, uidValidity, uids, { add: [tracked] })) ? uids : [];
};
