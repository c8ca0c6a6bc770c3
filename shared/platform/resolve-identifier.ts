import type { EntityStore } from './entity-store.ts';
import { FaultError } from './fault.ts';
import { type IdentifierPrefix, identifierPattern } from './identifier.ts';
import { externalIdSchema } from './values.ts';

const externalPrefix = 'ext:';

/**
 * The identifier that a path or a body names, given as itself or as `ext:<externalId>`. Does not tell whether the
 * resource exists. Undefined when the form is wrong or the externalId is unknown.
 */
export const findIdentifier = async (
  store: EntityStore,
  organizationId: string,
  scope: string,
  prefix: IdentifierPrefix,
  text: string,
): Promise<string | undefined> => {
  if (text.startsWith(externalPrefix)) {
    const externalId = externalIdSchema.safeParse(text.slice(externalPrefix.length));
    return externalId.success ? store.findByExternalId(organizationId, scope, externalId.data) : undefined;
  }
  return text.startsWith(`${prefix}_`) && identifierPattern.test(text) ? text : undefined;
};

/** As findIdentifier. @throws FaultError notFound */
export const resolveIdentifier = async (
  store: EntityStore,
  organizationId: string,
  scope: string,
  prefix: IdentifierPrefix,
  text: string,
): Promise<string> => {
  const identifier = await findIdentifier(store, organizationId, scope, prefix, text);
  if (identifier === undefined) throw new FaultError('notFound');
  return identifier;
};
