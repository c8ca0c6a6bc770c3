import * as z from 'zod';
import type { RouteAnswer } from './route.ts';

interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** A resource with its strong ETag. */
export const answerResource = <Body extends Versioned>(body: Body, status = 200): RouteAnswer => ({
  status,
  body,
  headers: { etag: `"${body.version}"` },
});

/** 201 with Location; `path` below /v1. */
export const answerCreated = <Body extends Versioned>(path: string, body: Body): RouteAnswer => ({
  status: 201,
  body,
  headers: { etag: `"${body.version}"`, location: `/v1${path}` },
});

/** 202 for long work. */
export const answerOperation = (operation: { readonly id: string }): RouteAnswer => ({
  status: 202,
  body: operation,
  headers: { location: `/v1/operations/${operation.id}` },
});

export const answerNothing = (): RouteAnswer => ({ status: 204 });

/** Where bytes go that are too many for a request. */
export const uploadSchema = z
  .object({
    method: z.literal('PUT'),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    expiresAt: z.string(),
  })
  .meta({ id: 'Upload' });

/** A redirect to a presigned URL. */
export const answerRedirect = (location: string): RouteAnswer => ({ status: 302, headers: { location } });
