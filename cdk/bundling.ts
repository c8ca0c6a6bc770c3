import { fileURLToPath } from 'node:url';

/** Every function that is deployed; its code is functions/<name>/handler.ts. */
export const functionNames = [
  'api',
  'incoming',
  'outgoing',
  'operations',
  'webhooks',
  'feed',
  'watchdog',
  'dead-letters',
  'operator-key',
  'recovery',
] as const;
export type FunctionName = (typeof functionNames)[number];

export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

export const entryOf = (name: FunctionName): string => `${projectRoot}functions/${name}/handler.ts`;

export const target = 'node24';

// Some dependencies are CommonJS and call require() for Node's own modules; an ES module has no require.
export const banner =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/**
 * Packages that dependencies bring along and that no function needs as they are, and what stands in for each in the
 * bundles: a third of what the lanes would have to load at a cold start.
 */
export const replacements: Readonly<Record<string, string>> = Object.fromEntries(
  [...['iconv-lite', 'encoding-japanese', 'pino', 'socks'], ...['postcss', 'dayjs', 'domutils', 'dom-serializer']].map(
    (name) => [name, `${projectRoot}cdk/replacements/${name}.ts`],
  ),
);
