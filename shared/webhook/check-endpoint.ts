import { FaultError } from '../platform/fault.ts';
import { refuseField } from '../platform/validate.ts';
import type { Dialler } from '../transport/connection.ts';
import type { HostPolicy } from '../transport/host-policy.ts';
import { TransportError } from '../transport/transport-error.ts';

const lookupSeconds = 3;

/** The address that the name stands for now; undefined when it cannot be resolved, which is a matter for the test. */
const addressOf = async (dialler: Dialler, host: string): Promise<string | undefined> => {
  try {
    return (await dialler.resolve(host, lookupSeconds)).address;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if (error.fault.code !== 'hostNotAllowed') return undefined;
    const { detail } = error.fault;
    throw new FaultError('hostNotAllowed', {
      detail,
      fix: 'Use a public host, or ask the operator to allow the range',
      errors: [{ pointer: '#/url', code: 'hostNotAllowed', detail }],
    });
  }
};

/**
 * Whether events may be posted there. The name is resolved and checked again at each connection; here it only spares
 * the caller a webhook that could never work.
 *
 * @throws FaultError invalidRequest, hostNotAllowed
 */
export const checkEndpoint = async (
  url: string,
  { dialler, hostPolicy }: { readonly dialler: Dialler; readonly hostPolicy: HostPolicy },
): Promise<void> => {
  const wrong = (detail: string): FaultError => refuseField('#/url', 'invalidFormat', detail);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['https:', 'http:'].includes(parsed.protocol))
    throw wrong('A URL that begins with https:// is needed');
  if (parsed.username !== '' || parsed.password !== '') throw wrong('The URL may not hold a user or a password');
  if (parsed.hash !== '') throw wrong('The URL may not have a fragment');
  const address = await addressOf(dialler, parsed.hostname.replace(/^\[|\]$/g, ''));
  if (parsed.protocol === 'https:') return;
  if (address === undefined || !hostPolicy.opens(address))
    throw wrong('http is for hosts of a range that the operator allowed; any other needs https');
};
