import type { DynamoDBRecord } from 'aws-lambda';
import { raiseAlert } from '../../../shared/alert/raise-alert.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { createStreamReader } from '../../integration/read-stream.ts';
import { compose } from '../../integration/tracking/compose.ts';
import type { IncomingWorld } from '../../integration/tracking/incoming-world.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';

const lanes = ['incoming', 'outgoing', 'operations', 'webhooks'] as const;

/** What an organization does in a few minutes, and what that leaves behind. Returns its id and the stream of the records. */
export const playScenario = async (
  world: IncomingWorld,
): Promise<{ readonly organizationId: string; readonly stream: readonly DynamoDBRecord[] }> => {
  const { services } = world.api;
  const readNewRecords = createStreamReader(String(process.env['RECORDS_TABLE']));
  const { handler: feed } = await import('../../../functions/feed/handler.ts');
  const stream: DynamoDBRecord[] = [];
  const runFeed = async (): Promise<void> => {
    const Records = await readNewRecords();
    stream.push(...Records);
    if (Records.length > 0) await feed({ Records, shardId: 'shard-1' });
  };
  const handlers = new Map<string, LaneHandler>();
  for (const lane of lanes) handlers.set(lane, await loadLaneHandler(lane));
  const runLanes = async (): Promise<void> => {
    for (const [lane, handler] of handlers)
      while ((await runLaneBatch(handler, String(process.env[`${lane.toUpperCase()}_QUEUE_URL`]))) > 0);
    await runFeed();
  };

  const organization = await world.createOrganization();
  const { id: organizationId } = organization;
  const call = async (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => {
    const answer = await organization.call(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await call('PATCH', '/settings', {
    schedule: { incoming: { seconds: 300 } },
    outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'] },
  });
  await call('PUT', '/record-types/shipment', { displayName: 'Shipment' });
  await call('PUT', '/records/contact/ext:c-1', { displayName: 'Carl', emails: [{ address: 'carl@client.example' }] });
  await call('PUT', '/records/contact/ext:c-2', { displayName: 'Gone' });
  await call('DELETE', '/records/contact/ext:c-2');
  await call('POST', '/queues', { name: 'Sales' });
  await call('POST', '/teams', { name: 'Sales' });
  await call('POST', '/webhooks', { url: 'https://127.0.0.1:9/' });
  await call('PUT', '/consumers/laptop', {});

  const mailUser = world.mailUser(1);
  const user = await organization.user(mailUser, { externalId: 'u-1' });
  const [profile] = (await call('GET', '/server-profiles')).data;
  await call('PATCH', `/mailboxes/${user.mailboxId}`, { serverProfileId: profile.id });
  const workloads = ['incoming', 'outgoing'] as const;
  await enableStoredMailbox(services, organizationId, user.mailboxId, {
    serverProfileId: profile.id,
    mailUser,
    workloads,
  });
  await runLanes();
  const test = await call('POST', `/mailboxes/${user.mailboxId}/test-and-enable`, {});
  await runLanes();
  await call('GET', `/operations/${test.id}`);
  await appendMessage(world.servers.environment, mailUser, compose({ Subject: 'An enquiry', To: mailUser.address }));
  await organization.synchronize(user.mailboxId);
  await call('POST', `/mailboxes/${user.mailboxId}/sync`, {});
  await call('POST', '/mailboxes/bulk', {
    select: { mailboxIds: [user.mailboxId] },
    action: 'sync',
    arguments: { workloads: ['incoming'] },
  });
  const send = (more: object) =>
    call(
      'POST',
      '/emails',
      { from: { owner: user.id }, to: [{ address: 'carl@client.example' }], subject: 'Ours', send: true, ...more },
      { 'idempotency-key': `send-${JSON.stringify(more).length}` },
    );
  await send({});
  await runLanes();
  await send({ sendAt: new Date(Date.now() + 86_400_000).toISOString() });
  await call('POST', '/sessions', { userId: user.id });
  const { data: events } = await call('GET', '/feed?limit=500&types=email.tracked');
  await call('POST', `/events/${events[0].id}/reject`, { code: 'noSpace', detail: 'There is no space' });
  await raiseAlert(services.store, {
    organizationId,
    level: 'error',
    scope: 'mailbox',
    fault: createFault('authenticationFailed'),
    subject: { type: 'mailbox', id: user.mailboxId },
    mailboxId: user.mailboxId,
    now: services.now(),
  });
  await runLanes();
  return { organizationId, stream };
};
