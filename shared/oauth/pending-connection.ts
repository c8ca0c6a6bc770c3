import * as z from 'zod';
import { actorSchema } from '../platform/change.ts';
import { fingerprint } from '../platform/identifier.ts';
import { type RecordKey, type RecordsTable, recordKey, WriteConditionError } from '../platform/records-table.ts';
import { sealedSecretSchema } from '../platform/values.ts';

const kind = 'oauthState';

/** A sign-in that has begun and not come back. */
export const pendingConnectionSchema = z.object({
  mailboxId: z.string(),
  serverProfileId: z.string(),
  returnUrl: z.string(),
  redirectUri: z.string(),
  /** Of the mailbox when it began; should it get another one meanwhile, the sign-in is for nothing. */
  emailAddress: z.string(),
  nonce: z.string(),
  codeVerifier: sealedSecretSchema,
  expiresAt: z.string(),
  /** Who asked for it: the author of what comes of it. */
  author: z.object({
    origin: z.enum(['crm', 'mailbox', 'system']),
    actor: actorSchema,
  }),
});
export type PendingConnection = z.output<typeof pendingConnectionSchema>;

/** The organization stands in it, so that the answer finds its partition; the rest is what nobody can guess. */
export const toState = (organizationId: string, random: string): string => `${organizationId}.${random}`;

/** Only a fingerprint is stored: who reads the table cannot end anybody's sign-in. */
const stateKey = (state: string): RecordKey | undefined => {
  const [, organizationId] = /^(org_[0-9A-Za-z]{16,40})\.[0-9A-Za-z_-]{20,100}$/.exec(state) ?? [];
  return organizationId === undefined ? undefined : recordKey(organizationId, kind, fingerprint(state));
};

/** What the fingerprint of a state stands for, until it is an hour old. */
const keptSeconds = 3_600;

export const storePending = async (
  table: RecordsTable,
  organizationId: string,
  state: string,
  pending: PendingConnection,
  now: Date,
): Promise<void> => {
  const key = stateKey(state);
  if (key === undefined) throw new Error('The state has not the form of one');
  const expiresAt = Math.floor(now.getTime() / 1000) + keptSeconds;
  await table.write([
    {
      put: { ...key, v: 1, kind, organizationId, pending, expiresAt },
      condition: { expression: 'attribute_not_exists(pk)' },
    },
  ]);
};

export interface FoundPending {
  readonly organizationId: string;
  readonly pending: PendingConnection;
  /** It came back before, or too late. */
  readonly isOver: boolean;
}

/** Uses a state up: only the first of all who bring it finds it not over. Undefined: there is none. */
export const usePending = async (table: RecordsTable, state: string, now: Date): Promise<FoundPending | undefined> => {
  const key = stateKey(state);
  const item = key === undefined ? undefined : await table.get(key);
  if (key === undefined || item === undefined) return undefined;
  const organizationId = String(item['organizationId']);
  const pending = pendingConnectionSchema.parse(item['pending']);
  const found = { organizationId, pending };
  if (Date.parse(pending.expiresAt) <= now.getTime()) return { ...found, isOver: true };
  try {
    await table.write([
      {
        update: key,
        expression: 'SET usedAt = :now',
        values: { ':now': now.getTime() },
        condition: 'attribute_exists(pk) AND attribute_not_exists(usedAt)',
      },
    ]);
    return { ...found, isOver: false };
  } catch (error) {
    if (error instanceof WriteConditionError) return { ...found, isOver: true };
    throw error;
  }
};
