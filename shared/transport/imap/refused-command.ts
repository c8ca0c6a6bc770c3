import { TransportError } from '../transport-error.ts';

/** The server answered NO to what it usually does: it may do it another time. */
export const refusedCommand = (what: string): TransportError =>
  new TransportError('serverError', {
    class: 'transient',
    level: 'mailbox',
    detail: `The server refused ${what}`,
  });
