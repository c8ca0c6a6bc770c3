import { FaultError } from '../platform/fault.ts';
import { TransportError } from '../transport/transport-error.ts';

/**
 * Asks an authorization server while a request waits for it.
 *
 * @throws FaultError unavailable when it does not answer now, invalidState when it will not; both with its fault
 */
export const askIssuer = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const { detail, cause, fix } = error.fault;
    const passes = error.class === 'transient' || error.class === 'throttled';
    throw new FaultError(passes ? 'unavailable' : 'invalidState', {
      detail,
      cause,
      ...(passes ? {} : { fix }),
      extensions: { fault: error.fault },
    });
  }
};
