export interface QueuedMessage {
  readonly id: string;
  readonly group: string;
  readonly body: string;
  receiveCount: number;
  /** Epoch milliseconds of the world's clock. */
  visibleAt: number;
  receipt: string | undefined;
}

/**
 * What waits in a FIFO queue, delivered by the world's clock as SQS does: a group's messages in order, none while
 * another of the group is in flight or waits to become visible again, each until it is deleted.
 */
export class Mailbag {
  readonly #visibilitySeconds: number;
  readonly #messages: QueuedMessage[] = [];
  #receipts = 0;

  constructor(visibilitySeconds: number) {
    this.#visibilitySeconds = visibilitySeconds;
  }

  get size(): number {
    return this.#messages.length;
  }

  messages(): readonly Readonly<QueuedMessage>[] {
    return this.#messages;
  }

  add(message: Pick<QueuedMessage, 'id' | 'group' | 'body'>, visibleAt = 0): void {
    this.#messages.push({ ...message, receiveCount: 0, visibleAt, receipt: undefined });
  }

  take(now: number, limit: number): readonly QueuedMessage[] {
    const taken: QueuedMessage[] = [];
    const locked = new Set<string>();
    for (const message of this.#messages) {
      if (taken.length === limit) break;
      if (locked.has(message.group)) continue;
      if (message.visibleAt > now) {
        locked.add(message.group);
        continue;
      }
      this.#receipts += 1;
      message.receipt = `${message.id}/${this.#receipts}`;
      message.receiveCount += 1;
      message.visibleAt = now + this.#visibilitySeconds * 1000;
      taken.push(message);
    }
    // Copies: what a receiver holds is what it received, whatever becomes of the message.
    return taken.map((message) => ({ ...message }));
  }

  /** Deletes what the receipt still stands for. */
  remove(receipt: string | undefined): void {
    const index = this.#messages.findIndex((message) => message.receipt === receipt);
    if (receipt !== undefined && index !== -1) this.#messages.splice(index, 1);
  }

  /** True when the receipt was of a message here. */
  changeVisibility(receipt: string, visibleAt: number): boolean {
    const message = this.#messages.find((one) => one.receipt === receipt);
    if (message !== undefined) message.visibleAt = visibleAt;
    return message !== undefined;
  }

  /** When the next message can be taken; infinity when there is none. */
  nextVisibleAt(): number {
    const first = new Map<string, number>();
    for (const { group, visibleAt } of this.#messages) first.set(group, Math.max(first.get(group) ?? 0, visibleAt));
    return Math.min(...first.values(), Number.POSITIVE_INFINITY);
  }

  clear(): void {
    this.#messages.length = 0;
  }
}
