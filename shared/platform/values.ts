import * as z from 'zod';

/** UTC instant with milliseconds, e.g. `2026-11-20T12:08:00.000Z`; other ISO forms with a zone are normalised. */
export const instantSchema = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  // An offset leads out of the years of four digits, and what is written with more sorts before all others.
  .refine((instant) => /^\d{4}-/.test(instant), {
    error: 'Not within the years 0000 to 9999 in UTC',
    params: { code: 'outOfRange' },
  });

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +01:00 are formatted, too, but are no zones: they know no daylight saving.
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
};

/** The name of a time zone of the IANA database, e.g. `Europe/Zurich`. */
export const timeZoneSchema = z
  .string()
  .max(100)
  .refine(isTimeZone, { error: 'Not a time zone of the IANA database', params: { code: 'invalidValue' } });

/** 1 to 200 printable characters, the CRM's own name of a thing. */
export const externalIdSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]+$/u, 'printable characters only');

/** Where a secret is stored, sealed; see secrets.ts. Reads back as `{isSet, setAt}`. */
export const sealedSecretSchema = z.object({ sealed: z.string(), setAt: z.string() });
export type SealedSecret = z.output<typeof sealedSecretSchema>;

/** The fields that every stored resource has. */
export const entityShape = {
  id: z.string(),
  version: z.number().int().positive(),
  createdAt: z.string(),
  updatedAt: z.string(),
};

/** A reference to a resource, as it stands in answers: `type` and `id` always, `externalId` where the CRM gave one. */
export const referenceSchema = z.object({
  type: z.string(),
  id: z.string(),
  externalId: z.string().nullable().optional(),
});
export type Reference = z.output<typeof referenceSchema>;
