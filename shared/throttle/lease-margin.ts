/**
 * How long a place stays taken after its holder must have ended (milliseconds): the clocks of two functions may be 5 s off
 * each, the other way round, and to stop a function or to close its sockets takes moments more. It ends before a message
 * whose run died comes again, so that the next run finds the lease expired.
 */
export const leaseMarginMilliseconds = 15_000;
