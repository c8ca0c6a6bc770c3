import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLaneServices, type LaneServices } from '../../../functions/common/create-lane-services.ts';
import { readLaneEnvironment } from '../../../functions/common/read-lane-environment.ts';
import { createOutgoingRunner } from '../../../shared/email/outgoing-runner.ts';
import { EntityStore } from '../../../shared/platform/entity-store.ts';
import { beginRun } from './begin-run.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let services: LaneServices;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
  services = createLaneServices(readLaneEnvironment());
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.createOrganization({
    settings: { outgoing: { allowUnresolvedRecipients: true, saveToSentItems: false } },
  });
});

const toCarl = () => ({ to: [{ address: world.mailUser(2).address }], subject: 'Our offer' });

/** Counts calls, and from one of them on answers none: before or after it was carried out. */
class Death {
  readonly happened: Promise<void>;
  readonly #at: number;
  readonly #carriedOut: boolean;
  #die = (): void => undefined;
  calls = 0;
  last = '';

  constructor(at: number, carriedOut: boolean) {
    this.#at = at;
    this.#carriedOut = carriedOut;
    this.happened = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  of<Target extends object>(target: Target): Target {
    const intercept = async (name: string, call: () => unknown): Promise<unknown> => {
      this.calls += 1;
      if (this.calls < this.#at) return call();
      if (this.calls === this.#at) {
        this.last = name;
        if (this.#carriedOut) await call();
        this.#die();
      }
      return new Promise(() => undefined);
    };
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function'
          ? (...given: unknown[]) => intercept(String(name), () => Reflect.apply(value, target, given))
          : value;
      },
    });
  }
}

/** Has a run begin that dies at its nth call of tables and bucket; false when it had come to its end by then. */
const dieAt = async (at: number, carriedOut: boolean): Promise<boolean> => {
  const death = new Death(at, carriedOut);
  const runner = createOutgoingRunner({
    ...services,
    store: new EntityStore(death.of(services.table)),
    content: death.of(services.content),
  });
  const ended = runner.run(await beginRun(services, organization)).then(() => true);
  return !(await Promise.race([ended, death.happened.then(() => false)]));
};

describe('a run that dies', () => {
  it.each([
    ['before', false],
    ['after', true],
  ])('%s any of its calls leaves an email that is sent once, or unconfirmed', async (_, carriedOut) => {
    const outcomes: { readonly at: number; readonly id: string; readonly messageId: string }[] = [];
    for (let at = 1; ; at += 1) {
      const { id, messageId } = await organization.send(toCarl());
      const died = await dieAt(at, carriedOut);
      if (!died) break;
      outcomes.push({ at, id, messageId });
      await organization.runToEnd(id);
    }
    const last = await organization.runToEnd((await organization.send(toCarl())).id);
    await world.received(world.mailUser(2), last.messageId);

    const statuses: string[] = [];
    for (const { at, id, messageId } of outcomes) {
      const { status } = await organization.email(id);
      // Postfix hands messages over side by side, so the last one may come before this one.
      if (status === 'sent') await world.received(world.mailUser(2), messageId);
      const arrived = await world.countReceived(world.mailUser(2), messageId);
      statuses.push(status);
      expect({ at, possible: status === 'sent' ? arrived === 1 : status === 'unconfirmed' && arrived <= 1 }).toEqual({
        at,
        possible: true,
      });
    }
    expect(outcomes.length).toBeGreaterThan(8);
    expect(statuses[0]).toBe('sent');
    expect(statuses.at(-1)).toBe('sent');
    // Only between the word that it is handed over and the word what became of it.
    expect(statuses.filter((status) => status === 'unconfirmed')).toHaveLength(3);
  });
});

describe('an email that ended three runs', () => {
  it('fails, and what stands behind it is sent', async () => {
    const poison = await organization.send(toCarl());
    const next = await organization.send(toCarl());
    const careful = {
      begin: async (item: string) => (item === poison.id ? ('setAside' as const) : ('process' as const)),
    };

    await createOutgoingRunner(services).run({ ...(await beginRun(services, organization)), careful });

    expect(await organization.email(poison.id)).toMatchObject({
      status: 'failed',
      delivery: { fault: { code: 'internalError', whoActs: 'operator' } },
    });
    expect(await organization.email(next.id)).toMatchObject({ status: 'sent' });
  });
});

/**
 * For runs that all read their outbox before any of them takes an email out of it. Which emails the first one has in its
 * hands when a later one begins is a matter of milliseconds, and then one of them ends at the fence.
 */
const readingTogether = (count: number): LaneServices => {
  const { promise: haveAllRead, resolve } = Promise.withResolvers<void>();
  let missing = count;
  const query: typeof services.table.query = async (range) => {
    const page = await services.table.query(range);
    missing -= 1;
    if (missing === 0) resolve();
    await haveAllRead;
    return page;
  };
  return { ...services, store: new EntityStore({ ...services.table, query }) };
};

describe('two runs that both believe to be the only one', () => {
  it('send each email once', async () => {
    const sent: string[] = [];
    for (let index = 0; index < 6; index += 1) sent.push((await organization.send(toCarl())).id);
    const both = [await beginRun(services, organization), await beginRun(services, organization)];
    const runner = createOutgoingRunner(readingTogether(both.length));

    const runs = await Promise.allSettled(both.map((run) => runner.run(run)));

    const emails = await Promise.all(sent.map((id) => organization.runToEnd(id)));
    expect(runs.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    for (const { status, messageId } of emails) {
      expect(status).toBe('sent');
      await world.received(world.mailUser(2), messageId);
    }
  });
});

describe('a run that stood still while another one sent its email to some', () => {
  it('hands nothing over any more', async () => {
    const { id, messageId } = await organization.send({
      ...toCarl(),
      cc: [{ address: 'late@defer.test' }],
    });
    const outgoing = await beginRun(services, organization);
    let hasStoodStill = false;
    const write: typeof services.table.write = async (writes) => {
      const [first] = writes;
      if (!hasStoodStill && first !== undefined && 'update' in first && first.values?.[':handing'] !== undefined) {
        hasStoodStill = true;
        await createOutgoingRunner(services).run(await beginRun(services, organization));
      }
      return services.table.write(writes);
    };
    const store = new EntityStore({ ...services.table, write });

    const late = createOutgoingRunner({ ...services, store }).run(outgoing);

    await expect(late).rejects.toThrow('Another run has taken this Send');
    expect(hasStoodStill).toBe(true);
    const { to, cc, status } = await organization.email(id);
    expect([to[0].result, cc[0].result, status]).toEqual(['accepted', 'deferred', 'pendingSend']);
    const last = await organization.send(toCarl());
    await organization.runUntil(last.id, ({ status: reached }) => reached === 'sent');
    await world.received(world.mailUser(2), last.messageId);
    await world.received(world.mailUser(2), messageId);
  });
});

describe('a run that stood still until its email was to be sent again', () => {
  it('has no say any more in what becomes of it', async () => {
    await organization.settings({ outgoing: { onUnconfirmed: 'resend' } });
    const { id } = await organization.send(toCarl());
    const outgoing = await beginRun(services, organization);
    let isHanded = false;
    let hasStoodStill = false;
    const write: typeof services.table.write = async (writes) => {
      const [first] = writes;
      if (isHanded && !hasStoodStill) {
        hasStoodStill = true;
        await createOutgoingRunner(services).run(await beginRun(services, organization));
      }
      isHanded ||= first !== undefined && 'update' in first && first.values?.[':handing'] !== undefined;
      return services.table.write(writes);
    };
    const store = new EntityStore({ ...services.table, write });

    const late = createOutgoingRunner({ ...services, store }).run(outgoing);

    await expect(late).rejects.toThrow('Another run has taken this Send');
    expect(hasStoodStill).toBe(true);
    expect(await organization.email(id)).toMatchObject({ status: 'pendingSend', to: [{ result: 'deferred' }] });
  });
});

describe('an answer of the table that is lost when a Send was concluded', () => {
  it('ends no run: what it wrote is recognised', async () => {
    const { id, messageId } = await organization.send(toCarl());
    let lost = 0;
    const write: typeof services.table.write = async (writes) => {
      await services.table.write(writes);
      const concludes = writes.length > 1 && (await organization.email(id)).status === 'sent';
      if (!concludes || lost > 0) return;
      lost += 1;
      throw new Error('The connection broke off');
    };
    const store = new EntityStore({ ...services.table, write });

    const outcome = await createOutgoingRunner({ ...services, store }).run(await beginRun(services, organization));

    expect(lost).toBe(1);
    expect(outcome.counts).toMatchObject({ seen: 1, failed: 0 });
    expect(await organization.email(id)).toMatchObject({ status: 'sent', delivery: { attempts: 1 } });
    await world.received(world.mailUser(2), messageId);
  });
});

describe('an edit that comes while a run takes the email', () => {
  it('stands, and the email is sent once', async () => {
    const { id, messageId } = await organization.send(toCarl());
    let edits = 0;
    const write: typeof services.table.write = async (writes) => {
      edits += 1;
      if (edits === 1) await organization.call('PATCH', `/emails/${id}`, { externalId: 'offer-1' });
      return services.table.write(writes);
    };
    const store = new EntityStore({ ...services.table, write });

    await createOutgoingRunner({ ...services, store }).run(await beginRun(services, organization));

    const email = await organization.runToEnd(id);
    expect(email).toMatchObject({ status: 'sent', externalId: 'offer-1' });
    await world.received(world.mailUser(2), messageId);
    expect(await world.countReceived(world.mailUser(2), messageId)).toBe(1);
  });
});

describe('a cancellation that comes while a run takes the email', () => {
  it('either prevents the email or is refused', async () => {
    const sent = [];
    for (let index = 0; index < 8; index += 1) sent.push(await organization.send(toCarl()));
    const run = createOutgoingRunner(services).run(await beginRun(services, organization));

    const cancels = await Promise.all(sent.map(({ id }) => organization.call('POST', `/emails/${id}/cancel`)));
    await run;

    const last = await organization.runToEnd((await organization.send(toCarl())).id);
    await world.received(world.mailUser(2), last.messageId);
    for (const [index, { id, messageId }] of sent.entries()) {
      const canceled = cancels[index]?.status === 200;
      const { status } = await organization.runToEnd(id);
      if (!canceled) await world.received(world.mailUser(2), messageId);
      expect({ status, arrived: await world.countReceived(world.mailUser(2), messageId) }).toEqual(
        canceled ? { status: 'canceled', arrived: 0 } : { status: 'sent', arrived: 1 },
      );
    }
  });
});
