import { FaultError } from '../platform/fault.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import { refuseField } from '../platform/validate.ts';
import type { CredentialsInput } from './profile-credentials.ts';
import { issuerOf } from './profile-issuer.ts';
import { presetOf } from './provider-presets.ts';
import type { ServerProfileInput } from './server-profile-input.ts';

const refuse = (code: FaultCode, pointer: string, detail: string): FaultError =>
  new FaultError(code, { detail, errors: [{ pointer, code, detail }] });

const required = (field: string, detail: string): FaultError =>
  refuseField(`#/credentials/${field}`, 'required', detail);

/** Tenants that stand for many: their tokens do not say whose they are before somebody has signed in. */
const sharedTenants = new Set(['common', 'organizations', 'consumers']);

const checkCombination = ({ kind, credentials }: ServerProfileInput): void => {
  const { source, authentication } = credentials;
  const refused = (field: string, what: string) =>
    refuse('unsupportedCombination', `#/credentials/${field}`, `A profile of kind ${kind} does not work with ${what}`);
  if (authentication === 'ntlm') throw refused('authentication', authentication);
  if (source === 'application' && authentication !== 'oauth2')
    throw refused('source', `credentials of an application and ${authentication}`);
  if (source === 'application' && kind === 'gmail') throw refused('source', 'credentials of an application');
  if (source === 'profile' && authentication === 'oauth2')
    throw refused('source', 'one login by OAuth for all: use mailbox or application');
};

const checkIssuer = ({ issuer, tenantId }: CredentialsInput): void => {
  if (tenantId !== null && issuer !== null)
    throw refuseField('#/credentials/tenantId', 'invalidValue', 'The tenant names the issuer: leave issuer out');
  if (tenantId !== null && sharedTenants.has(tenantId.toLowerCase()))
    throw refuseField('#/credentials/tenantId', 'invalidValue', 'Name one tenant, by its id or by one of its domains');
  if (issuer === null) return;
  const { username, password, search, hash } = new URL(issuer);
  if (`${username}${password}${search}${hash}` !== '')
    throw refuseField('#/credentials/issuer', 'invalidValue', 'An issuer is a URL without user, query and fragment');
};

/** @throws FaultError unsupportedCombination, insecureCredentials, invalidRequest */
export const checkCredentials = (
  profile: ServerProfileInput,
  options: { readonly allowInsecure: boolean; readonly hasClientSecret: boolean },
): void => {
  checkCombination(profile);
  const { credentials } = profile;
  if (credentials.authentication !== 'oauth2') return;
  checkIssuer(credentials);
  const issuer = issuerOf(profile);
  if (issuer === null) throw required('issuer', 'The authorization server is missing');
  if (credentials.clientId === null) throw required('clientId', 'The client of the authorization server is missing');
  if (issuer.startsWith('http:') && !options.allowInsecure)
    throw refuse('insecureCredentials', '#/credentials/issuer', `Tokens would travel unprotected from ${issuer}`);
  if (credentials.source !== 'application') return;
  if (presetOf(issuer).applicationScopes === null)
    throw refuse('unsupportedCombination', '#/credentials/source', `${issuer} gives applications no such tokens`);
  if (!options.hasClientSecret) throw required('clientSecret', 'An application needs a secret');
  if (credentials.allowedMailboxes.length === 0)
    throw required('allowedMailboxes', 'Name the mailboxes that the application may open');
};
