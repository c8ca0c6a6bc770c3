import { cycleSchema } from '../../../shared/cycle/cycle.ts';
import { eventually } from '../../support/eventually.ts';
import type { IsolationWorld } from './isolation-world.ts';

/** Seconds by which the work of the other organization's one mailbox came late, again and again. */
export interface Probe {
  readonly what: string;
  /** One measurement. */
  readonly once: (world: IsolationWorld, number: number) => Promise<number>;
}

const patience = { seconds: 300, everyMilliseconds: 50 };

const incoming: Probe = {
  what: 'incoming: sync asked for → cycle begun',
  once: async ({ api, other, expect }) => {
    const [mailboxId = ''] = other.mailboxIds;
    const askedAt = Date.now();
    await expect(other.call('POST', `/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] }));
    return eventually(
      async () => {
        const cycle = cycleSchema.parse(await api.cycleItem(`${other.id}#${mailboxId}`, 'incoming'));
        const { lastStartedAt = 0 } = cycle;
        return lastStartedAt >= askedAt ? (lastStartedAt - askedAt) / 1000 : undefined;
      },
      { what: 'the cycle', ...patience },
    );
  },
};

const outgoing: Probe = {
  what: 'outgoing: Send accepted → sent',
  once: async ({ other, servers, expect }, number) => {
    const [, to] = servers.environment.users;
    const acceptedAt = Date.now();
    const { body } = await expect(
      other.call('POST', '/emails', {
        from: { owner: other.userIds[0] },
        to: [{ address: to?.address }],
        subject: `Probe ${number}`,
        body: { text: 'x' },
        send: true,
      }),
    );
    return eventually(
      async () => {
        const { body: email } = await expect(other.call('GET', `/emails/${body.id}`));
        return email.status === 'sent' ? (Date.parse(email.sentAt) - acceptedAt) / 1000 : undefined;
      },
      { what: 'the Send', ...patience },
    );
  },
};

const operations: Probe = {
  what: 'operations: test of a profile asked for → begun',
  once: async ({ other, expect }) => {
    const { body } = await expect(other.call('POST', `/server-profiles/${other.profileId}/test`, {}));
    return eventually(
      async () => {
        const { body: operation } = await expect(other.call('GET', `/operations/${body.id}`));
        if (operation.status === 'queued' || operation.status === 'running') return undefined;
        return (Date.parse(operation.startedAt) - Date.parse(operation.createdAt)) / 1000;
      },
      { what: 'the test', ...patience },
    );
  },
};

export const webhookPath = '/other';

const webhooks: Probe = {
  what: 'feed and webhooks: record changed → posted',
  once: async ({ other, endpoint, expect }, number) => {
    const before = endpoint.posted(webhookPath).length;
    const changedAt = Date.now();
    const fields = { displayName: `Probe ${number} ${changedAt}` };
    await expect(other.call('PUT', '/records/contact/ext:probe', fields));
    return eventually(
      () => {
        const posted = endpoint.posted(webhookPath)[before];
        return posted === undefined ? undefined : (posted.at - changedAt) / 1000;
      },
      { what: 'the event', ...patience },
    );
  },
};

export const probes: readonly Probe[] = [incoming, outgoing, operations, webhooks];

/** Probes every lane at the same time for so long, each a few times a second at most. */
export const probeAll = async (
  world: IsolationWorld,
  milliseconds: number,
): Promise<ReadonlyMap<Probe, readonly number[]>> => {
  const until = Date.now() + milliseconds;
  const found = new Map<Probe, number[]>();
  const repeat = async (probe: Probe): Promise<void> => {
    const seconds: number[] = [];
    found.set(probe, seconds);
    for (let number = 0; Date.now() < until; number += 1) {
      seconds.push(await probe.once(world, number));
      // A mailbox at rest comes now and then: without a pause the probe would be a load of its own.
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  await Promise.all(probes.map(repeat));
  return found;
};
