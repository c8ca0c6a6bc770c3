import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveParty } from '../../../shared/email/resolve-party.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { type EmailApi, startEmailApi } from './email-api.ts';
import { storeIncomingEmail } from './stored-email.ts';

let world: EmailApi;
let operations: LaneHandler;

beforeAll(async () => {
  world = await startEmailApi();
  operations = await loadLaneHandler('operations');
});

afterAll(async () => {
  await world?.api.stop();
});

it('answers a person in seconds however many emails are similar, and goes on with the others in an operation', async () => {
  const { services } = world.api;
  const organization = await world.createOrganization();
  const carl = await organization.contact('carl', 'carl@private.example');
  const [first, ...others] = await Promise.all(
    Array.from({ length: 120 }, () => storeIncomingEmail(services, organization)),
  );
  const foreign = await storeIncomingEmail(services, organization, { from: { address: 'x@y.example', records: [] } });
  // A request whose every step takes half a second.
  let milliseconds = 0;
  const now = () => {
    milliseconds += 500;
    return new Date(Date.now() + milliseconds);
  };
  const unresolved = async () => {
    const emails = await Promise.all(others.map(({ id }) => organization.call('GET', `/emails/${id}`)));
    return emails.filter(({ body }) => body.from.records[0]?.id !== carl).length;
  };

  const { email, operation } = await resolveParty(
    { ...services, now },
    organization.id,
    String(first?.id),
    { address: 'carl@client.example', record: { type: 'contact', id: 'ext:carl' }, applyToSimilar: true },
    {
      author: { origin: 'crm', actor: { type: 'key', id: 'key_0000000000000001' } },
      ownership: undefined,
      operationId: createIdentifier('opn', Date.now()),
    },
  );
  const left = await unresolved();
  while ((await runLaneBatch(operations, String(process.env['OPERATIONS_QUEUE_URL']))) > 0);
  const ended = await organization.call('GET', `/operations/${operation?.id}`);

  expect(email.from.records).toMatchObject([{ id: carl }]);
  expect(milliseconds).toBeLessThan(10_000);
  expect(left).toBeGreaterThan(100);
  expect(ended.body).toMatchObject({ kind: 'resolveParty', status: 'succeeded', result: { changed: 119 } });
  expect(await unresolved()).toBe(0);
  expect((await organization.call('GET', `/emails/${foreign.id}`)).body.from.records).toEqual([]);
});

it('is done at once with few similar emails, and names no operation then', async () => {
  const organization = await world.createOrganization();
  await organization.contact('carl', 'carl@private.example');
  const [one, other] = [
    await storeIncomingEmail(world.api.services, organization),
    await storeIncomingEmail(world.api.services, organization),
  ];
  // What a slow machine does not manage within two seconds is left to an operation.
  world.api.stopClock();

  const answer = await organization.call('POST', `/emails/${one.id}/resolve-party`, {
    address: 'carl@client.example',
    record: { type: 'contact', id: 'ext:carl' },
  });

  expect([answer.status, answer.headers['operation-location']]).toEqual([200, undefined]);
  expect((await organization.call('GET', `/emails/${other.id}`)).body.from.records).toMatchObject([
    { externalId: 'carl' },
  ]);
});
