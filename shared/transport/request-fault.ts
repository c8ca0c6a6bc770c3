import { FaultError } from '../platform/fault.ts';
import type { TransportError } from './transport-error.ts';

/**
 * How a request answers that had to wait for a server: unavailable when the server does not answer now, invalidState when
 * it will not, which is nothing to be asked again for; both with the server's fault.
 */
export const toRequestFault = (error: TransportError): FaultError => {
  const { detail, cause, fix } = error.fault;
  const passes = error.class === 'transient' || error.class === 'throttled';
  return new FaultError(passes ? 'unavailable' : 'invalidState', {
    detail,
    cause,
    ...(passes ? {} : { fix }),
    extensions: { fault: error.fault },
  });
};
