import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { codesOf } from '../../../functions/api/reference/openapi.ts';
import type { Route } from '../../../functions/api/route.ts';
import { loadRoutes } from '../../../functions/api/routes/index.ts';
import { faultSchema } from '../../../shared/platform/fault.ts';
import { faultCatalogue } from '../../../shared/platform/fault-catalogue.ts';
import { arbitraryOf } from '../../support/arbitrary-of-schema.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';
import { inputOf, nameOf, pathOf } from './route-inputs.ts';

/** The same requests each time, unless others are asked for: HOSTILE_SEED=7 HOSTILE_RUNS=500. */
const seed = Number(process.env['HOSTILE_SEED'] ?? 20_261_124);
const numRuns = Number(process.env['HOSTILE_RUNS'] ?? 5);

// What removes things comes last, so that the others have something to work on.
const routes = (await loadRoutes()).toSorted(
  (one, other) => Number(one.method === 'DELETE') - Number(other.method === 'DELETE'),
);

let world: AccessWorld;
let company: Company;
let anna: Person;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  anna = await company.createPerson('anna');
  // So that a long run meets the limit of its requests no sooner than a short one.
  await world.hub.operator('PATCH', `/v1/organizations/${company.id}`, {
    body: { quota: { requestsPerSecond: 10_000 } },
  });
});
afterAll(async () => {
  await world?.hub.stop();
});

const problemSchema = faultSchema.extend({ status: z.number().int(), instance: z.string() });

/** That an answer is one that the OpenAPI document promises. */
const expectPromised = (route: Route, { status, headers, body }: Answer): void => {
  const schema = route.answers[status];
  if (schema !== undefined) {
    if (schema !== null) expect(schema.safeParse(body).error?.issues).toBeUndefined();
    return;
  }
  expect(headers['content-type']).toBe('application/problem+json');
  const problem = problemSchema.parse(body);
  expect(problem.status).toBe(status);
  const promised = codesOf(route).filter((code) => faultCatalogue[code].status === status);
  expect(promised).toContain(problem.code);
  // That a mail server cannot be reached is no fault of the hub.
  if (status >= 500) expect(route.problems ?? []).toContain(problem.code);
};

const clientOf = ({ access }: Route): Client => (access === 'operator' ? world.hub.operator : company.admin);

const schemaOf = (schema: z.ZodType): fc.Arbitrary<unknown> => {
  const document = jsonSchemaOf(schema) as Readonly<Record<string, unknown>>;
  return arbitraryOf(document, (document['$defs'] ?? {}) as Readonly<Record<string, unknown>>);
};

const ownIds = (): Readonly<Record<string, string>> => ({
  mailboxId: anna.mailboxId,
  emailId: anna.emailId,
  decisionId: anna.decisionId,
  alertId: anna.alertId,
  operationId: anna.operationId,
  serverProfileId: company.serverProfileId,
  ownerId: anna.userId,
  name: anna.consumer,
  type: 'contact',
  id: 'ext:carl',
});

const pathTexts = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 4 },
  { arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), weight: 1 },
  { arbitrary: fc.constantFrom('ext:', '..', '%', '\u0000', 'mbx_', 'x'.repeat(3_000), '__proto__'), weight: 1 },
);

const encode = (text: string): string => {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%ED%A0%80';
  }
};

const queryText = (query: unknown): string => {
  if (typeof query !== 'object' || query === null) return '';
  const pairs = Object.entries(query)
    // Nobody waits here for something to happen.
    .filter(([name]) => name !== 'wait')
    .map(
      ([name, value]) => `${encode(name)}=${encode(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`,
    );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};

describe('whatever it is sent', () => {
  it.each(routes.map((route) => [nameOf(route), route] as const))('%s answers as it promises', async (_, route) => {
    const request = fc.record({
      parameter: pathTexts,
      query: schemaOf(route.querySchema),
      body: route.bodySchema === null ? fc.constant(undefined) : schemaOf(route.bodySchema),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ parameter, query, body }) => {
        const path = pathOf(route, (name) => encode(parameter ?? ownIds()[name] ?? 'org_00000000000000000000000000'));
        const call = body === undefined ? {} : { body };
        const answer = await clientOf(route)(route.method, `/v1${path}${queryText(query)}`, call);
        // A wild path may be that of another route, or of none.
        if (parameter !== undefined && [404, 405].includes(answer.status)) return;
        expectPromised(route, answer);
      }),
      { numRuns, seed },
    );
  });
});

describe('a text that is no name of anything', () => {
  it.each([
    ['nothing', ''],
    ['very long', 'x'.repeat(3_000)],
    ['a very long externalId', `ext:${'é'.repeat(1_500)}`],
    ['an empty externalId', 'ext:'],
    ['what looks like an id but is too long', `mbx_${'0'.repeat(2_500)}`],
    ['a name that every object has', '__proto__'],
    ['a control character', '\u0000'],
    ['what separates keys', 'a#b'],
  ])('is asked for in vain, in the path and in the query: %s', async (_, text) => {
    for (const route of routes) {
      const path = pathOf(route, () => encode(text));
      const query = route.querySchema instanceof z.ZodObject ? Object.keys(route.querySchema.shape) : [];
      const targets = [
        ...(route.path.includes('{') && text !== '' ? [{ target: `/v1${path}`, wild: true }] : []),
        ...query
          .filter((name) => name !== 'wait')
          .map((name) => ({ target: `${own(route)}?${name}=${encode(text)}`, wild: false })),
      ];
      for (const { target, wild } of targets) {
        const answer = await clientOf(route)(route.method, target, { body: inputOf(route).body });
        // A wild path may be that of another route, or of none.
        if (!wild || ![404, 405].includes(answer.status)) expectPromised(route, answer);
        expect(answer.status).not.toBe(429);
      }
    }
  });
});

const jsonSchemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

const written = routes.filter(({ bodySchema }) => bodySchema !== null);

/** One route for each form of a body: those that take the same read it by the same lines. */
const forms = [
  ...new Map(written.map((route) => [JSON.stringify(jsonSchemaOf(route.bodySchema ?? z.never())), route])).values(),
];
const own = (route: Route): string =>
  `/v1${pathOf(route, (name) => ownIds()[name] ?? 'org_00000000000000000000000000')}`;

describe('a body that is made to hurt', () => {
  const depth = 50_000;
  it.each([
    ['deeply nested lists', `${'['.repeat(depth)}${']'.repeat(depth)}`],
    ['deeply nested objects', `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`],
    ['a field nested deeply', `{"name":${'['.repeat(depth)}${']'.repeat(depth)}}`],
    ['the same field twice', '{"name":"a","name":["b"]}'],
    ['very many fields', `{${Array.from({ length: 60_000 }, (_, index) => `"f${index}":0`).join(',')}}`],
    ['a number without end', `{"name":${'9'.repeat(100_000)}}`],
  ])(
    '%s is answered by every form of route that takes one',
    async (_, raw) => {
      for (const route of forms) {
        const answer = await clientOf(route)(route.method, own(route), { raw });
        expect([nameOf(route), answer.status, answer.status < 500]).toEqual([nameOf(route), answer.status, true]);
        expectPromised(route, answer);
      }
      // All forms in turn: a busy machine takes half a minute for those with very many fields.
    },
    300_000,
  );
});

describe('a body that programs read in different ways', () => {
  it.each([
    ['a field twice', '{"name":"a","name":"b"}', '#/name', 'repeated'],
    ['a field twice, spelt in two ways', String.raw`{"name":"a","\u006eame":"b"}`, '#/name', 'repeated'],
    ['a field twice, deep inside', '{"list":[{},{"a/b":{"c":1,"d":{"c":2},"c":3}}]}', '#/list/1/a~1b/c', 'repeated'],
    ['half a character', String.raw`{"name":"\ud83d"}`, '#/name', 'invalidEncoding'],
    [
      'half a character, deep inside',
      String.raw`{"list":[{},{"a/b":{"\ude00":1}}]}`,
      '#/list/1/a~1b',
      'invalidEncoding',
    ],
  ])('is refused with the place: %s', async (_, raw, pointer, code) => {
    for (const route of forms) {
      const { status, body } = await clientOf(route)(route.method, own(route), { raw });
      expect([nameOf(route), status]).toEqual([nameOf(route), 400]);
      expect(body.errors).toMatchObject([{ pointer, code }]);
    }
  });

  it.each([
    ['a field twice', '{"a":1,"a":2}'],
    ['half a character', String.raw`"\ud83d"`],
  ])('is refused soon, and with a short pointer, however deep it holds %s', async (_, inside) => {
    const depth = 1_000_000;
    const raw = `{"name":${'['.repeat(depth)}${inside}${']'.repeat(depth)}}`;

    const { status, body } = await company.admin('POST', '/v1/users', { raw });

    expect(status).toBe(400);
    expect(body.errors[0].pointer.length).toBeLessThan(1_000);
  });
});

describe('headers', () => {
  it.each([
    ['authorization', `Bearer ${'x'.repeat(100_000)}`, 401],
    ['authorization', `Bearer msk_${'0'.repeat(52)}_${'A'.repeat(43)}${'\u0000'.repeat(9)}`, 401],
    ['if-match', `"${'1'.repeat(100_000)}"`, 412],
    ['if-match', '"'.repeat(50_000), 400],
    ['idempotency-key', 'k'.repeat(100_000), 400],
    ['content-type', `application/json;${' charset=utf-8;'.repeat(10_000)}x`, 415],
  ])('of any length and form are answered: %s', async (name, value, expected) => {
    const { status } = await company.admin('POST', `/v1/mailboxes/${anna.mailboxId}/disable`, {
      body: { workloads: ['incoming'] },
      headers: { [name]: value },
    });

    expect(status).toBe(expected);
  });
});

describe('the log', () => {
  it('holds no token, no secret and nothing of a body, whatever the requests were', async () => {
    for (const route of written) {
      const { body } = inputOf(route);
      const marked = { ...(body as object), note: 'very private words' };
      await clientOf(route)(route.method, own(route), { body: marked });
    }
    await anna.session('PATCH', `/v1/mailboxes/${anna.mailboxId}`, {
      body: { credentials: { password: 'hunter2 of ours' } },
    });

    const log = world.hub.log.join('\n');
    const secrets = [
      'very private words',
      'hunter2 of ours',
      'secret of ours',
      'carl@client.example',
      'A private matter',
    ];
    for (const secret of [...secrets, anna.token.slice(-43), world.hub.operatorKey.slice(-43)])
      expect(log.includes(secret)).toBe(false);
    expect(log).not.toMatch(/(?:msk|mss|mso|msb|msi)_[0-9A-Z]{26,52}_/);
    expect(log.split('\n').length).toBeGreaterThan(100);
  });

  it('has one line for each entry, whatever stands in a path', async () => {
    const before = world.hub.log.length;
    await company.admin('GET', `/v1/mailboxes/${encodeURIComponent('x\n{"level":"ERROR","message":"forged"}')}`);

    const added = world.hub.log.slice(before).join('').trim().split('\n');
    expect(added.every((line) => typeof JSON.parse(line) === 'object')).toBe(true);
    expect(added.map((line) => JSON.parse(line).message)).not.toContain('forged');
  });
});
