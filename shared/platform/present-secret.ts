import * as z from 'zod';
import type { SealedSecret } from './values.ts';

/** What may be told of a secret. */
export const presentedSecretSchema = z.object({ isSet: z.boolean(), setAt: z.string().nullable() });

export const presentSecret = (secret: SealedSecret | null | undefined): z.output<typeof presentedSecretSchema> => ({
  isSet: secret != null,
  setAt: secret?.setAt ?? null,
});
