import * as z from 'zod';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** Every environment variable that functions read; each function reads only those that it needs. */
const environmentShape = {
  CYCLES_TABLE: z.string(),
  RECORDS_TABLE: z.string(),
  CONTENT_BUCKET: z.string(),
  SECRETS_KEY_ID: z.string(),
  INCOMING_QUEUE_URL: z.string(),
  OUTGOING_QUEUE_URL: z.string(),
  OPERATIONS_QUEUE_URL: z.string(),
  WEBHOOKS_QUEUE_URL: z.string(),
  INCOMING_QUEUE_ARN: z.string(),
  OUTGOING_QUEUE_ARN: z.string(),
  OPERATIONS_QUEUE_ARN: z.string(),
  WEBHOOKS_QUEUE_ARN: z.string(),
  SCHEDULE_GROUP: z.string(),
  SCHEDULER_ROLE_ARN: z.string(),
  SCHEDULER_DEAD_LETTER_ARN: z.string(),
  LANE_TIMEOUT_SECONDS: z.coerce.number().int().positive(),
  LANE_VISIBILITY_SECONDS: z.coerce.number().int().positive(),
  LANE_CONCURRENCY: z.coerce.number().int().positive(),
  ORGANIZATION_SHARE_PERCENT: z.coerce.number().int().positive(),
  WATCHDOG_PERIOD_SECONDS: z.coerce.number().int().positive(),
  ALLOWED_HOST_RANGES: z.string().transform((text) => text.split(',').filter((range) => range !== '')),
  HOST_CONNECTION_CAPS: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(z.record(z.string(), z.number().int().positive())),
  ALLOW_INSECURE_CREDENTIALS: flag,
  /** JSON; what it holds is the domain's to check. Empty: there is none. */
  IDENTITY_PROVIDER: z.string().transform((text): unknown => (text === '' ? undefined : JSON.parse(text))),
  HUB_URL: z.url(),
  VERSION: z.string(),
};

type Environment = { readonly [Name in keyof typeof environmentShape]: z.output<(typeof environmentShape)[Name]> };

/** Reads and checks the named variables; a missing one stops the function at its cold start with its name. */
export const readConfiguration = <Name extends keyof Environment>(
  names: readonly Name[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Pick<Environment, Name> => {
  const shape = Object.fromEntries(names.map((name) => [name, environmentShape[name]]));
  return z.object(shape).parse(environment) as unknown as Pick<Environment, Name>;
};
