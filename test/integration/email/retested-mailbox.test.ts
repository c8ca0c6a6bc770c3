import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ServerProfile, serverProfileKind } from '../../../shared/server-profile/server-profile.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let operations: LaneHandler;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
  operations = await loadLaneHandler('operations');
});

afterAll(() => world.stop());

beforeEach(async () => {
  organization = await world.createOrganization({ settings: { outgoing: { allowUnresolvedRecipients: true } } });
});

const startTest = async (): Promise<string> => {
  const { mailboxId } = organization.sender;
  const { status, body } = await organization.call('POST', `/mailboxes/${mailboxId}/test-and-enable`, {
    workloads: ['outgoing'],
  });
  expect(status).toBe(202);
  return body.id;
};

const outgoing = async () =>
  (await organization.call('GET', `/mailboxes/${organization.sender.mailboxId}`)).body.workloads.outgoing;

/** Has the operations lane work until no test goes on; what became of the workload. */
const endTest = async () => {
  for (;;) {
    const workload = await outgoing();
    if (workload.state !== 'testing') return workload;
    await runLaneBatch(operations, String(process.env['OPERATIONS_QUEUE_URL']), { waitSeconds: 1 });
  }
};

const requireOutgoing = ({ outgoing: target }: ServerProfile) => {
  if (target === null) throw new Error('The profile sends nothing');
  return target;
};

/** As if the server had moved, without what an edit of the profile means for its mailboxes. */
const setPort = (port: number) =>
  world.api.services.store.update(
    serverProfileKind,
    organization.id,
    organization.profile.id,
    (profile) => ({ next: { ...profile, outgoing: { ...requireOutgoing(profile), port } } }),
    { now: world.api.services.now },
  );

const letter = () => ({ to: [{ address: world.mailUser(2).address }], subject: 'While it is tested' });

describe('a Send through a mailbox that is tested again', () => {
  it('is accepted, and goes out when the test has passed', async () => {
    await startTest();
    const { id, messageId } = await organization.send(letter());
    await world.runLane();
    const during = await organization.email(id);
    await endTest();
    const after = await organization.runToEnd(id);

    expect(during.status).toBe('pendingSend');
    expect(after.status).toBe('sent');
    expect(await world.countReceived(world.mailUser(2), messageId)).toBe(1);
  });

  it('is accepted, and goes out when the test was cancelled', async () => {
    const operationId = await startTest();
    const { id, messageId } = await organization.send(letter());

    await organization.call('POST', `/operations/${operationId}/cancel`);
    await endTest();
    await organization.runToEnd(id);

    expect(await world.countReceived(world.mailUser(2), messageId)).toBe(1);
  });

  it('waits when the test has failed, and goes out when a later one has passed', async () => {
    await startTest();
    const { id, messageId } = await organization.send(letter());
    await setPort(1);
    const failed = await endTest();
    await world.runLane();
    const waiting = await organization.email(id);
    await setPort(requireOutgoing(organization.profile).port);
    await startTest();
    await endTest();
    await organization.runToEnd(id);

    expect([failed.state, waiting.status]).toEqual(['notTested', 'pendingSend']);
    expect(await world.countReceived(world.mailUser(2), messageId)).toBe(1);
  });

  it('is refused where the mailbox did not send before the test either', async () => {
    await organization.call('POST', `/mailboxes/${organization.sender.mailboxId}/disable`, { workloads: ['outgoing'] });
    const draft = await organization.draft(letter());
    await startTest();

    const { status, body } = await organization.call('POST', `/emails/${draft.id}/send`);

    expect([status, body.code]).toEqual([409, 'workloadNotEnabled']);
  });
});
