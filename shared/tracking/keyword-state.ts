import * as z from 'zod';
import { fingerprint } from '../platform/identifier.ts';
import { recordKey } from '../platform/records-table.ts';
import type { TrackingContext } from './tracking-run.ts';
import { readUidSet, writeUidSet } from './uid-set.ts';

export const keywordStateSchema = z.object({
  folder: z.string(),
  uidValidity: z.string(),
  keyword: z.string(),
  /** Bear the keyword, and are tracked. */
  known: z.string(),
  failing: z.array(z.object({ uid: z.int(), attempts: z.int(), lastAt: z.number() })),
});

/** Which messages of a folder are known to bear the tracked keyword; read and written only when that changes. */
export interface KeywordState extends Omit<z.output<typeof keywordStateSchema>, 'known'> {
  readonly known: readonly number[];
}

/** An item holds 400 KB; of more than this the newest count, and the others keep their keyword unwatched. */
const mostKnown = 20_000;

const keyOf = (organizationId: string, mailboxId: string, folder: string) =>
  recordKey(organizationId, 'keywordState', `${mailboxId}#${fingerprint(folder)}`);

type Context = Pick<TrackingContext, 'store' | 'organization' | 'mailbox'>;

/** Undefined when the folder was not looked at so far, or has got another identity. */
export const loadKeywordState = async (
  { store, organization, mailbox }: Context,
  folder: string,
  uidValidity: string,
): Promise<KeywordState | undefined> => {
  const item = await store.table.get(keyOf(organization.id, mailbox.id, folder));
  if (item === undefined) return undefined;
  const state = keywordStateSchema.parse(item);
  return state.uidValidity === uidValidity ? { ...state, known: readUidSet(state.known) } : undefined;
};

export const saveKeywordState = async (
  { store, organization, mailbox }: Context,
  state: KeywordState,
): Promise<void> => {
  const known = [...state.known].sort((one, other) => one - other).slice(-mostKnown);
  await store.table.write([
    {
      put: {
        ...keyOf(organization.id, mailbox.id, state.folder),
        v: 1,
        kind: 'keywordState',
        organizationId: organization.id,
        ...state,
        failing: [...state.failing],
        known: writeUidSet(known),
      },
    },
  ]);
};

export const removeKeywordState = ({ store, organization, mailbox }: Context, folder: string): Promise<void> =>
  store.table.write([{ remove: keyOf(organization.id, mailbox.id, folder) }]);
