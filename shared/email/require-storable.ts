import { FaultError } from '../platform/fault.ts';
import type { Email } from './email.ts';

/** An item of the table holds 400 KB; what sending adds to an email (results, answers, events) has room beside this. */
const largestEmailBytes = 220_000;

/** @throws FaultError messageTooLarge */
export const requireStorable = (email: Email): Email => {
  const bytes = Buffer.byteLength(JSON.stringify(email));
  if (bytes > largestEmailBytes)
    throw new FaultError('messageTooLarge', {
      detail: `Recipients, subject and headers would take ${bytes} bytes together, ${largestEmailBytes} are possible`,
      fix: 'Send it to fewer recipients at a time',
    });
  return email;
};
