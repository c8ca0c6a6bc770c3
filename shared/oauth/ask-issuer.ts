import { toRequestFault } from '../transport/request-fault.ts';
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
    throw error instanceof TransportError ? toRequestFault(error) : error;
  }
};
