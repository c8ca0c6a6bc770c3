import type { FaultEntries } from './fault-entry.ts';

/** What concerns the change feed, its consumers and webhooks. */
export const feedFaults = {
  consumerAhead: {
    status: 409,
    title: 'The cursor points beyond the end of the feed',
    cause: 'The cursor is of another organization or deployment, or the feed was restored from a backup',
    fix: 'Commit a cursor that this feed gave out; GET /v1/feed/head shows its end',
    whoActs: 'caller',
  },
  cursorExpired: {
    status: 410,
    title: 'The cursor points before the oldest change that is kept',
    cause: 'Retention has passed, or the data was restored from a backup',
    fix: 'Walk /v1/feed/snapshot and go on from its last cursor',
    whoActs: 'caller',
  },
  endpointFailing: {
    title: 'The endpoint of the webhook does not take events',
    cause: 'It answered with another status than 2xx, or not at all, at every attempt over three days',
    fix: 'Mend the endpoint, try it with POST /v1/webhooks/{id}/test, and enable the webhook: it resumes where it stopped',
    whoActs: 'administrator',
  },
  endpointGone: {
    title: 'The endpoint of the webhook says that it is gone',
    cause: 'It answered 410',
    fix: 'Delete the webhook, or give it the right URL and enable it: it resumes where it stopped',
    whoActs: 'administrator',
  },
  webhookGap: {
    title: 'Events may be missing at the endpoint of the webhook',
    cause: 'The next event is older than what the feed keeps, or the data was restored from a backup',
    fix: 'Walk /v1/feed/snapshot once for the receiver; the webhook goes on by itself',
    whoActs: 'administrator',
  },
} as const satisfies FaultEntries;
