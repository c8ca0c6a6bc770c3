import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLaneServices } from '../../../functions/common/create-lane-services.ts';
import { readLaneEnvironment } from '../../../functions/common/read-lane-environment.ts';
import { choosePort } from '../../../local/ports.ts';
import { endMarginMilliseconds } from '../../../shared/cycle/run-time.ts';
import { emailKind } from '../../../shared/email/email.ts';
import { createOutgoingRunner } from '../../../shared/email/outgoing-runner.ts';
import { type RecordWrite, recordKey } from '../../../shared/platform/records-table.ts';
import type { ConnectionGate } from '../../../shared/throttle/connection-gate.ts';
import { appendMessage, withMailbox } from '../../support/mailbox-client.ts';
import { beginRun } from './begin-run.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

const unresolved = { allowUnresolvedRecipients: true, retry: { seconds: 1 } };
const toCarl = () => ({ to: [{ address: world.mailUser(2).address }], subject: 'Our offer' });

const setIncomingPort = async ({ call, profile }: SendingOrganization, port: number): Promise<void> => {
  const incoming = { ...profile.incoming, port };
  const { status } = await call('PATCH', `/server-profiles/${profile.id}`, { incoming });
  if (status !== 200) throw new Error(`The profile was not changed: ${status}`);
};

const flagsInSent = (organization: SendingOrganization, messageId: string): Promise<readonly string[]> =>
  withMailbox(world.servers.environment, organization.sender.mailUser, async (client) => {
    await client.mailboxOpen('Sent', { readOnly: true });
    const found = await client.search({ header: { 'message-id': messageId } }, { uid: true });
    const message = await client.fetchOne(String(Array.isArray(found) ? found[0] : ''), { flags: true }, { uid: true });
    return message === false || message === undefined ? [] : [...(message.flags ?? [])];
  });

describe('the copy of a sent email', () => {
  it('is filed once in the Sent folder of the sender, as read', async () => {
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    const { id } = await organization.send(toCarl());

    const sent = await organization.runToEnd(id);
    while ((await world.runLane(1)) > 0);

    expect(sent.delivery.sentCopy).toBe('stored');
    expect(await world.countReceived(organization.sender.mailUser, sent.messageId, 'Sent')).toBe(1);
    expect(await flagsInSent(organization, sent.messageId)).toContain('\\Seen');
  });

  it('is not filed when the organization does not want it', async () => {
    const organization = await world.createOrganization({
      settings: { outgoing: { ...unresolved, saveToSentItems: false } },
    });
    const { id } = await organization.send(toCarl());

    const sent = await organization.runToEnd(id);
    while ((await world.runLane(1)) > 0);

    expect(sent).toMatchObject({ status: 'sent', delivery: { sentCopy: 'none' } });
    expect(await world.countReceived(organization.sender.mailUser, sent.messageId, 'Sent')).toBe(0);
  });

  it('is filed over the only connection that the server allows', async () => {
    const organization = await world.createOrganization({
      profile: { maxConnections: 1 },
      settings: { outgoing: unresolved },
    });
    const { id } = await organization.send(toCarl());

    const sent = await organization.runToEnd(id);

    expect(sent.delivery.sentCopy).toBe('stored');
  });

  it('is filed over the place of its run where the operator allows one connection to the host', async () => {
    process.env['HOST_CONNECTION_CAPS'] = '{"127.0.0.1":1}';
    const services = createLaneServices(readLaneEnvironment());
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    const { id } = await organization.send(toCarl());
    const run = await beginRun(services, organization);
    const place = await services.gate.enter({
      organizationId: organization.id,
      serverProfile: run.serverProfile,
      host: run.serverProfile.outgoing.host,
      mailboxId: run.mailbox.id,
      lane: 'outgoing',
      generation: run.cycle.generation,
      expiresAt: Date.now() + 60_000,
      hasTicket: false,
      probeUntil: 0,
    });

    await createOutgoingRunner(services).run(run);

    expect(place).toHaveProperty('leave');
    expect((await organization.email(id)).delivery.sentCopy).toBe('stored');
    process.env['HOST_CONNECTION_CAPS'] = '{}';
  });

  it('holds its place for as long as its function may last, on clocks that are 5 s off each', async () => {
    const services = createLaneServices(readLaneEnvironment());
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    await organization.send(toCarl());
    const run = await beginRun(services, organization);
    const placeUntil: number[] = [];
    const gate: ConnectionGate = {
      enter: (request) => {
        if (request.lane === 'sentCopy') placeUntil.push(request.expiresAt);
        return services.gate.enter(request);
      },
    };

    await createOutgoingRunner({ ...services, gate }).run(run);

    expect(placeUntil).toHaveLength(1);
    expect(placeUntil[0]).toBeGreaterThan(run.deadline + endMarginMilliseconds + 10_000);
  });

  it('waits for a server that does not answer, and is not filed twice where it stands already', async () => {
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    const { port } = organization.profile.incoming;
    await setIncomingPort(organization, await choosePort());
    const { id } = await organization.send(toCarl());
    const waiting = await organization.runUntil(id, ({ status }) => status === 'sent');
    // As if the run had died after it filed the copy.
    const raw = await organization.call('GET', `/emails/${id}/raw`);
    const bytes = Buffer.from(await (await fetch(raw.headers['location'] ?? '')).arrayBuffer());
    await appendMessage(world.servers.environment, organization.sender.mailUser, bytes, { folder: 'Sent' });
    await setIncomingPort(organization, port);

    const sent = await organization.runToEnd(id);

    expect(waiting.delivery).toMatchObject({ sentCopy: 'pending' });
    expect(sent).toMatchObject({ status: 'sent', delivery: { sentCopy: 'stored' } });
    expect(await world.countReceived(organization.sender.mailUser, sent.messageId, 'Sent')).toBe(1);
  });

  it('is shown as filed although somebody changes the email at that moment', async () => {
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    await setIncomingPort(organization, await choosePort());
    const { id } = await organization.send(toCarl());
    await organization.runUntil(id, ({ status }) => status === 'sent');
    const { store, now } = world.api.services;
    const filed: RecordWrite = {
      update: recordKey(organization.id, 'email', id),
      expression: 'SET entity.delivery.sentCopy = :stored',
      values: { ':stored': 'stored' },
    };
    const seen: unknown[] = [];

    await store.update(
      emailKind,
      organization.id,
      id,
      async (email) => {
        seen.push(email.delivery?.sentCopy);
        if (seen.length === 1) await store.table.write([filed]);
        return { next: { ...email, externalId: 'e-1' } };
      },
      { now },
    );

    expect(seen).toEqual(['pending', 'stored']);
    expect(await organization.email(id)).toMatchObject({ externalId: 'e-1', delivery: { sentCopy: 'stored' } });
  });

  it('is given up after five attempts, with an alert, and the email stays sent', async () => {
    const organization = await world.createOrganization({ settings: { outgoing: unresolved } });
    await setIncomingPort(organization, await choosePort());
    const { id } = await organization.send(toCarl());

    const sent = await organization.runToEnd(id);

    expect(sent).toMatchObject({ status: 'sent', delivery: { attempts: 1, sentCopy: 'failed' } });
    const alerts = (await world.api.allRecords())
      .filter(({ kind, organizationId }) => kind === 'alert' && organizationId === organization.id)
      .map(({ entity }) => entity);
    expect(alerts).toMatchObject([
      { code: 'sentCopyFailed', level: 'warning', subject: { type: 'mailbox', id: organization.sender.mailboxId } },
    ]);
    await world.received(world.mailUser(2), sent.messageId);
  });
});
