import type { TrackedFolder } from '../tracking/fetch-window.ts';
import type { FolderOutcome } from '../tracking/read-folder.ts';
import { isRefusedFolder } from '../tracking/refused-folder.ts';
import type { TrackingRun } from '../tracking/tracking-run.ts';
import type { TransportError } from '../transport/transport-error.ts';
import type { FolderRule } from './folder-rule.ts';
import { breakRule, followFolder } from './follow-folder.ts';
import { reassertRegarding } from './reassert-regarding.ts';

const toFolder = ({ folderId, direction = 'incoming', regarding }: FolderRule): TrackedFolder => ({
  path: folderId,
  direction,
  manual: { via: 'folder', detail: `it stands in ${folderId}, whose mail is tracked`, regarding },
});

type Read = (folder: TrackedFolder) => Promise<FolderOutcome>;

const readFollowed = async (run: TrackingRun, rule: FolderRule, read: Read): Promise<void> => {
  let present = rule;
  if ((await read(toFolder(rule))).cursor === undefined) {
    const followed = await followFolder(run, rule);
    if (followed === undefined) return;
    await read(toFolder(followed));
    present = followed;
  }
  const { regarding, reassert } = present;
  if (reassert && regarding !== null) await reassertRegarding(run, toFolder(present), regarding);
};

/** So many runs fail at a folder before that is taken for the folder's own fault. */
const mostFailures = 5;

/** Whether one more failure says no more of the folder, or would disable the mailbox. */
const isEnough = ({ organization }: TrackingRun, error: TransportError, failures: number): boolean =>
  error.class === 'permanent' || failures >= Math.min(mostFailures, organization.settings.schedule.retry.attempts - 1);

/**
 * Reads what is new in the folder of a rule, so that it is tracked; one STATUS where nothing is new. A folder that the
 * server refuses for good, or in run after run, while it opens the Inbox, breaks its rule and does not stop the mailbox.
 *
 * @param failures how many runs have failed in a row
 * @throws as readFolder
 */
export const readRuleFolder = async (
  run: TrackingRun,
  rule: FolderRule,
  failures: number,
  read: Read,
): Promise<void> => {
  try {
    await readFollowed(run, rule, read);
  } catch (error) {
    if (!isRefusedFolder(error) || !isEnough(run, error, failures)) throw error;
    await run.session.status('INBOX');
    await breakRule(run, rule, `The server does not open the folder ${rule.folderId}: ${error.fault.detail}`);
  }
};
