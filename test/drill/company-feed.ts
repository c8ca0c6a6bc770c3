import type { FeedEvent, HubClient } from '../../local/hub-client.ts';

interface Page {
  readonly data: readonly FeedEvent[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
}

/** All that a company's CRM has been told: by the feed, and by the snapshot with which it began anew. */
export class CompanyFeed {
  readonly #hub: HubClient;
  /** What the last snapshot showed. */
  #snapshot: readonly FeedEvent[] = [];
  /** Where the feed is read from. */
  #cursor = '0';

  constructor(hub: HubClient) {
    this.#hub = hub;
  }

  get snapshot(): readonly FeedEvent[] {
    return this.#snapshot;
  }

  /** Number of the last event before those that are read. */
  get startsAfter(): number {
    return Number(this.#cursor.split('.').at(-1));
  }

  /** Everything since the beginning, or since the snapshot. */
  async read(): Promise<readonly FeedEvent[]> {
    return (await this.#walk('/feed', this.#cursor)).events;
  }

  /** Takes a snapshot, from whose end the feed is read from now on. */
  async beginAnew(): Promise<void> {
    const { events, cursor } = await this.#walk('/feed/snapshot');
    this.#snapshot = events;
    this.#cursor = cursor;
  }

  async #walk(
    path: string,
    start?: string,
  ): Promise<{ readonly events: readonly FeedEvent[]; readonly cursor: string }> {
    const events: FeedEvent[] = [];
    let cursor = start;
    for (let hasMore = true; hasMore; ) {
      const from = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.#hub.get<Page>(`${path}?limit=500${from}`);
      events.push(...page.data);
      cursor = page.nextCursor;
      hasMore = page.hasMore;
    }
    return { events, cursor: cursor ?? '0' };
  }
}
