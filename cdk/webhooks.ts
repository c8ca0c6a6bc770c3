import type { Construct } from 'constructs';
import { Lane } from './lane.ts';

export interface WebhooksProps {
  readonly prefix: string;
  /** Most endpoints that are posted to at a time. */
  readonly concurrency: number;
  /** Percent of them that may belong to one organization. */
  readonly organizationSharePercent: number;
}

// A slice of 20 s, an attempt of 15 s that begins at its end, and what must be written then.
const timeoutSeconds = 60;

/**
 * Posts events to webhooks: the queue of the doorbells, in which each webhook is a group, and the function that answers
 * them. One webhook to an invocation: in a batch, one endpoint that hangs would hold up the others.
 */
export class Webhooks extends Lane {
  constructor(scope: Construct, id: string, { prefix, ...capacity }: WebhooksProps) {
    super(scope, id, {
      name: 'webhooks',
      prefix,
      description: 'Posts events of the change feed to webhooks',
      timeoutSeconds,
      ...capacity,
      batchSize: 1,
    });
  }
}
