import { type Settings, settingsSchema } from '../../shared/organization/settings.ts';

/** The settings of an organization that has changed none. */
export const defaultSettings: Settings = settingsSchema.parse({});
