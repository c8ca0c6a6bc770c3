import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ApiCall, startTestApi, type TestApi } from '../role-calls.ts';

let api: TestApi;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  call = (await api.createOrganization()).as('crm');
});

describe('a batch', () => {
  it('answers item by item, in order, and a bad item stops no other', async () => {
    const { status, body } = await call('POST', '/records/batch', {
      items: [
        { op: 'put', type: 'contact', id: 'ext:a', displayName: 'A' },
        { op: 'put', type: 'contact', id: 'ext:b', displayName: '', colour: 'red' },
        { op: 'put', type: 'contact', id: 'ext:a', displayName: 'A again' },
        { op: 'delete', type: 'contact', id: 'ext:nobody' },
        { op: 'put', type: 'unheardOf', id: 'ext:c', displayName: 'C' },
        { op: 'delete', type: 'contact', id: 'ext:a', reason: 'accessLost' },
      ],
    });

    expect(status).toBe(200);
    expect(body.results.map((result: { status: number }) => result.status)).toEqual([201, 400, 200, 404, 404, 204]);
    expect(body.results[1].fault.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
      expect.arrayContaining(['#/items/1/displayName', '#/items/1/colour']),
    );
    expect(body.results[0].id).toBe(body.results[2].id);
    expect((await call('GET', '/records/contact/ext:a')).status).toBe(404);
  });

  it('goes on when it is repeated under its key after a run that ended in its middle', async () => {
    const items = Array.from({ length: 20 }, (_, number) => ({
      op: 'put',
      type: 'lead',
      id: `ext:${number}`,
      displayName: `Lead ${number}`,
    }));
    const headers = { 'idempotency-key': 'leads-1' };
    const { table } = api.services;
    const { write } = table;
    let writes = 0;
    // As for a process that ends: from some point on nothing is written any more.
    const ended = vi.spyOn(table, 'write').mockImplementation(async (some) => {
      writes += 1;
      if (writes > 8) throw new Error('The process has ended');
      return write(some);
    });
    const broken = await call('POST', '/records/batch', { items }, headers);
    ended.mockRestore();
    api.advance(36_000);

    const { status, body } = await call('POST', '/records/batch', { items }, headers);

    expect([broken.status, status]).toEqual([500, 200]);
    expect(new Set(body.results.map((result: { id: string }) => result.id)).size).toBe(20);
  });

  it('takes 500 items and not one more', async () => {
    const items = Array.from({ length: 501 }, (_, index) => ({
      op: 'put',
      type: 'account',
      id: `ext:${index}`,
      displayName: 'A',
    }));

    const tooMany = await call('POST', '/records/batch', { items });
    const { body } = await call('POST', '/records/batch', { items: items.slice(0, 500) });

    expect(tooMany.status).toBe(400);
    expect(body.results).toHaveLength(500);
    expect(new Set(body.results.map((result: { status: number }) => result.status))).toEqual(new Set([201]));
  });
});
