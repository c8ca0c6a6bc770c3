import type { TrackedFolder } from '../tracking/fetch-window.ts';
import type { FolderOutcome } from '../tracking/read-folder.ts';
import type { TrackingRun } from '../tracking/tracking-run.ts';
import type { FolderRule } from './folder-rule.ts';
import { followFolder } from './follow-folder.ts';
import { reassertRegarding } from './reassert-regarding.ts';

const toFolder = ({ folderId, direction = 'incoming', regarding }: FolderRule): TrackedFolder => ({
  path: folderId,
  direction,
  manual: { via: 'folder', detail: `it stands in ${folderId}, whose mail is tracked`, regarding },
});

/**
 * Reads what is new in the folder of a rule, so that it is tracked; one STATUS where nothing is new.
 *
 * @throws as readFolder
 */
export const readRuleFolder = async (
  run: TrackingRun,
  rule: FolderRule,
  read: (folder: TrackedFolder) => Promise<FolderOutcome>,
): Promise<void> => {
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
