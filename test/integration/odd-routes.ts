import { expect } from 'vitest';
import * as z from 'zod';
import { defineRoute, noParameters, type Route } from '../../functions/api/route.ts';

/** Requests that wait to be let go. */
export const gates: (() => void)[] = [];

/** Routes that behave in ways that no real one should, and one that takes its time. */
export const oddRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/test/slow',
    summary: 'Waits until it is let go',
    tag: 'Test',
    access: ['admin'],
    answers: { 200: null },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: z.strictObject({ text: z.string().default('') }),
    handle: async ({ body, identifierFor }) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return { status: 200, body: { id: identifierFor('rec'), ...(body as object) } };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/test/echo/{thingId}',
    summary: 'Shows what arrived',
    tag: 'Test',
    access: ['admin', 'crm'],
    answers: { 201: null },
    pathSchema: z.strictObject({ thingId: z.string() }),
    querySchema: z.strictObject({ limit: z.coerce.number().int().min(1).max(5).default(2) }),
    bodySchema: z.strictObject({
      text: z.string().optional(),
      count: z.int().max(3).optional(),
      nested: z.strictObject({ list: z.array(z.strictObject({ name: z.string() })) }).optional(),
    }),
    handle: async ({ path, query, body, identifierFor, ifMatch }) => ({
      status: 201,
      body: { id: identifierFor('rec'), path, query, body, ifMatch: ifMatch ?? null },
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/test/fail',
    summary: 'Fails as a defect does',
    tag: 'Test',
    access: ['admin'],
    answers: { 200: null },
    pathSchema: noParameters,
    querySchema: z.strictObject({ name: z.string().default('Error') }),
    bodySchema: null,
    handle: async ({ query }) => {
      throw Object.assign(new Error('password=hunter2'), { name: query.name });
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/test/large',
    summary: 'Answers at length',
    tag: 'Test',
    access: ['admin'],
    answers: { 200: null },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: z.strictObject({ text: z.string().default('€😀'), times: z.int().default(120_000) }),
    handle: async ({ body, identifierFor }) => ({
      status: 200,
      body: { id: identifierFor('rec'), text: body.text.repeat(body.times) },
    }),
  }),
];

/** Lets those go that wait, as soon as there is one. */
export const letGo = async (): Promise<void> => {
  await expect.poll(() => gates.length, { timeout: 20_000 }).toBeGreaterThan(0);
  for (const gate of gates.splice(0)) gate();
};
