import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

/** What the keys of an organization may do; see the API's authorization for what each reaches. */
export const roleSchema = z.enum(['admin', 'crm', 'reader']);
export type Role = z.output<typeof roleSchema>;

export const apiKeyNameSchema = z.string().min(1).max(200);

export const apiKeySchema = z.object({
  ...entityShape,
  name: apiKeyNameSchema,
  role: roleSchema,
  /** The part of the token that may be shown. */
  prefix: z.string(),
  hash: z.string(),
  expiresAt: z.string().nullable(),
  /** Exact to a minute; a runtime figure, so it never changes `version`. */
  lastUsedAt: z.string().nullable(),
});
export type ApiKey = z.output<typeof apiKeySchema>;

export const apiKeyKind: EntityKind<ApiKey> = {
  kind: 'apiKey',
  prefix: 'key',
  parse: (stored) => apiKeySchema.parse(stored),
};

export const isExpired = (key: ApiKey, now: Date): boolean =>
  key.expiresAt !== null && Date.parse(key.expiresAt) <= now.getTime();

export const apiKeyAnswerSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: roleSchema,
    prefix: z.string(),
    expiresAt: z.string().nullable(),
    lastUsedAt: z.string().nullable(),
    createdAt: z.string(),
    version: z.number().int(),
  })
  .meta({ id: 'ApiKey' });

export const presentApiKey = (key: ApiKey): z.output<typeof apiKeyAnswerSchema> => ({
  id: key.id,
  name: key.name,
  role: key.role,
  prefix: key.prefix,
  expiresAt: key.expiresAt,
  lastUsedAt: key.lastUsedAt,
  createdAt: key.createdAt,
  version: key.version,
});
