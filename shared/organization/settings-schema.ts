import * as z from 'zod';
import { settingsSchema } from './settings.ts';

// The version of the hub in which the settings came; one that comes later says so in its own meta.
const firstVersion = '0.1.0';

/** The settings as a JSON Schema: type, default, range and text of each, and since when it exists. */
export const settingsJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(settingsSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.default !== undefined && jsonSchema.type !== 'object') jsonSchema['since'] ??= firstVersion;
      if (jsonSchema.type === 'object') {
        delete jsonSchema.default;
        jsonSchema.additionalProperties = false;
      }
    },
  }) as Record<string, unknown>;
