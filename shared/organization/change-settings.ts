import { isDeepStrictEqual } from 'node:util';
import { auditWrite } from '../audit/audit-write.ts';
import type { CycleControl } from '../cycle/cycle-control.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError, type FaultPointer } from '../platform/fault.ts';
import { applyMergePatch, type MergePatch } from '../platform/merge-patch.ts';
import { pointerTo, refuseField, validate } from '../platform/validate.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import { type Organization, organizationKind } from './organization.ts';
import { resumeCycles } from './resume-cycles.ts';
import { settingFields, settingValue } from './setting-fields.ts';
import { type Settings, settingsSchema } from './settings.ts';

/** Durations below what the mail servers of a production organization should bear; a sandbox may have any. */
export const findBelowMinimum = (kind: Organization['kind'], settings: Settings): readonly FaultPointer[] =>
  kind === 'sandbox'
    ? []
    : settingFields.flatMap(({ path, productionMinimum }) => {
        const value = settingValue(settings, path);
        if (productionMinimum === undefined || typeof value !== 'number' || value >= productionMinimum) return [];
        const detail = `Outside a sandbox this is at least ${productionMinimum}`;
        return [{ pointer: pointerTo('#', path), code: 'outOfRange', detail }];
      });

/** The settings that differ, as dotted paths. */
export const changedSettings = (before: Settings, after: Settings): readonly string[] =>
  settingFields
    .filter(({ path }) => !isDeepStrictEqual(settingValue(before, path), settingValue(after, path)))
    .map(({ path }) => path.join('.'));

// More would only slow down the look at each subject.
const keptTokenPrefixes = 10;

/** Mail with a token of the prefix that is given up still finds its email. */
const keepTokenPrefix = (
  { settings, formerTokenPrefixes = [] }: Organization,
  next: Settings,
): Pick<Organization, 'formerTokenPrefixes'> => {
  const { prefix } = settings.correlation.token;
  if (prefix === next.correlation.token.prefix) return {};
  const former = [...new Set([prefix, ...formerTokenPrefixes])].filter((one) => one !== next.correlation.token.prefix);
  return { formerTokenPrefixes: former.slice(0, keptTokenPrefixes) };
};

/**
 * Changes settings, all or none. What is left out stays, null resets to the default.
 *
 * @throws FaultError invalidRequest with a pointer to each value out of its range; versionMismatch
 */
export const changeSettings = async (
  dependencies: { readonly store: EntityStore; readonly cycles: CycleControl; readonly now: () => Date },
  organizationId: string,
  patch: MergePatch<unknown>,
  author: Author,
  ifMatch: number | undefined,
): Promise<Organization> => {
  const { store, now } = dependencies;
  let flows = false;
  const organization = await store.update(
    organizationKind,
    organizationId,
    organizationId,
    async (current) => {
      if (ifMatch !== undefined && ifMatch !== current.settingsVersion) throw new FaultError('versionMismatch');
      const settings = validate(settingsSchema, applyMergePatch(current.settings, patch));
      const errors = findBelowMinimum(current.kind, settings);
      if (errors.length > 0) throw new FaultError('invalidRequest', { errors });
      const { serverProfileId } = settings.newMailboxes;
      if (
        serverProfileId !== null &&
        serverProfileId !== current.settings.newMailboxes.serverProfileId &&
        (await store.get(serverProfileKind, organizationId, serverProfileId)) === undefined
      )
        throw refuseField('#/newMailboxes/serverProfileId', 'unknown', 'There is no such server profile');
      const changed = changedSettings(current.settings, settings);
      flows = settings.processing.channel === 'serverSideSync' && changed.includes('processing.channel');
      if (changed.length === 0) return undefined;
      return {
        next: {
          ...current,
          settings,
          settingsVersion: current.settingsVersion + 1,
          ...keepTokenPrefix(current, settings),
        },
        changes: [createChange('settings.changed', author, now(), changed)],
        also: [
          auditWrite(organizationId, {
            author,
            now: now(),
            action: 'settings.changed',
            subject: { type: 'settings', id: organizationId },
            before: current.settings,
            after: settings,
          }),
        ],
      };
    },
    { now },
  );
  // With the channel elsewhere every cycle stood still, as in a suspended organization.
  if (flows && organization.status === 'active') await resumeCycles(dependencies, organizationId);
  return organization;
};

/** As the API shows them. */
export const presentSettings = ({
  settings,
  settingsVersion,
}: Organization): Settings & { readonly version: number } => ({ ...settings, version: settingsVersion });
