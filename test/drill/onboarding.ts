import { parseArgs } from 'node:util';
import { eventually } from '../../local/eventually.ts';
import type { HubClient } from '../../local/hub-client.ts';
import { startLocalCloud } from '../../local/local-cloud.ts';
import { createProgress } from '../../local/progress.ts';
import { forEachParallel } from '../../shared/platform/for-each-parallel.ts';
import { createOrganization, createServerProfile } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

const { values } = parseArgs({
  options: {
    mailboxes: { type: 'string', default: '500' },
    connections: { type: 'string', default: '20' },
    /** Mailboxes a minute; none: the server's limit sets the pace. */
    pace: { type: 'string' },
  },
});
const count = Number(values.mailboxes);
const addresses = Array.from({ length: count }, (_, index) => `person${index + 1}@example.test`);

interface Ended {
  readonly status: string;
  readonly progress: { readonly done: number; readonly total: number };
}

const runBulk = async (hub: HubClient, order: object): Promise<{ readonly operation: Ended; readonly id: string }> => {
  const { id } = await hub.post<{ readonly id: string }>('/mailboxes/bulk', { select: { kind: 'user' }, ...order });
  const operation = await eventually(
    async () => {
      const now = await hub.get<Ended>(`/operations/${id}?wait=20`);
      return now.status === 'queued' || now.status === 'running' ? undefined : now;
    },
    { what: 'the bulk work has ended', seconds: 3_600, everyMilliseconds: 1_000 },
  );
  return { operation, id };
};

const countItems = async (hub: HubClient, id: string): Promise<Readonly<Record<string, number>>> => {
  const counts: Record<string, number> = {};
  for (const { status } of await readWholeList<{ readonly status: string }>(hub, `/operations/${id}/items`))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** Brings many mailboxes into an organization as the procedure says, and tells how long each step takes. */
const main = async (): Promise<void> => {
  const progress = createProgress(process.stderr);
  const cloud = await startLocalCloud({ progress, mail: { addresses } });
  try {
    const { environment } = cloud;
    const { hub } = await createOrganization(environment, { name: 'Onboarding' });
    const serverProfileId = await createServerProfile(hub, environment.mail, {
      maxConnections: Number(values.connections),
    });
    await hub.patch('/settings', {
      newMailboxes: { serverProfileId, incoming: 'serverSideSync', outgoing: 'serverSideSync' },
    });
    const steps: [string, number][] = [];
    const measure = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
      const since = Date.now();
      const result = await progress.step(name, work);
      steps.push([name, (Date.now() - since) / 1000]);
      return result;
    };
    await measure('users and their credentials', () =>
      forEachParallel(environment.mail.users, 8, async ({ address, username, password }) => {
        const user = await hub.put<{ mailboxId: string }>(`/users/ext:${address}`, {
          fullName: address,
          emailAddress: address,
          filtering: 'all',
        });
        await hub.patch(`/mailboxes/${user.mailboxId}`, { credentials: { username, password } });
      }),
    );
    await measure('approve', () => runBulk(hub, { action: 'approve' }));
    await measure('test and enable, dry run', () => runBulk(hub, { action: 'testAndEnable', dryRun: true }));
    const pace = values.pace === undefined ? {} : { pace: { count: Number(values.pace), perSeconds: 60 } };
    const enabled = await measure('test and enable', () => runBulk(hub, { action: 'testAndEnable', ...pace }));
    process.stdout.write(`${JSON.stringify(await countItems(hub, enabled.id))}\n`);
    const isRead = async (id: string): Promise<boolean> => {
      const { workloads } = await hub.get<{ workloads: { incoming: { lastSuccessAt: string | null } } }>(
        `/mailboxes/${id}/schedule`,
      );
      return workloads.incoming.lastSuccessAt !== null;
    };
    await measure('every mailbox read once', async () => {
      const mailboxes = await readWholeList<{ readonly id: string }>(hub, '/mailboxes?kind=user');
      await forEachParallel(mailboxes, 4, async ({ id }) => {
        await eventually(async () => ((await isRead(id)) ? true : undefined), {
          what: `${id} has been read`,
          seconds: 1_200,
          everyMilliseconds: 2_000,
        });
      });
    });
    for (const [name, seconds] of steps) process.stdout.write(`${name}: ${seconds.toFixed(0)} s\n`);
  } finally {
    await cloud.stop();
  }
};

await main();
process.exit(0);
