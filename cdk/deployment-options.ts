import type { Node } from 'constructs';
import * as z from 'zod';

// `-c key=` on the command line means "as if it were not given".
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' || value === null ? undefined : value), schema);

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

const hostRange = z.union([z.cidrv4(), z.cidrv6()], 'An address range is needed: 10.0.0.0/8 or fd00::/8');
const hostRanges = z
  .string()
  .transform((text) => text.split(',').map((range) => range.trim()))
  .pipe(z.array(hostRange));

const connectionCaps = z.record(z.string().min(1), z.int().positive());
const connectionCapsText = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'Not JSON; write {"mail.example.com": 40}' });
      return z.NEVER;
    }
  })
  .pipe(connectionCaps);

// AWS takes 2 to 1000 for the concurrency of a queue's event source.
const concurrency = z.coerce.number().int().min(2).max(1000);

const tableName = z.string().regex(/^[\w.-]{3,255}$/, 'The name of a table is needed');

/** A table restored from a backup, by the ARN of its stream, which names the table as well. */
const restoredStream = z.string().transform((streamArn, context) => {
  const [, name] = /^arn:[\w-]+:dynamodb:[^:]+:\d+:table\/([^/]+)\/stream\/.+$/.exec(streamArn) ?? [];
  if (name !== undefined) return { name, streamArn };
  context.addIssue({ code: 'custom', message: 'The ARN of a stream is needed: arn:aws:dynamodb:…:table/…/stream/…' });
  return z.NEVER;
});

// The most that AWS gives a function is 4 KB of environment.
const certificates = z
  .string()
  .max(3_000)
  .regex(/^-----BEGIN CERTIFICATE-----/, 'PEM text of one or two certificates');

const certificateArn = z
  .string()
  .regex(/^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate\/.+$/, 'The ARN of a certificate in Certificate Manager is needed');
const topicArn = z.string().regex(/^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+$/, 'The ARN of an SNS topic is needed');

const isSecureUrl = (text: string): boolean => URL.canParse(text) && new URL(text).protocol === 'https:';

const resourceIds = (prefix: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((id) => id.trim()))
    .pipe(
      z.array(
        z
          .string()
          .regex(new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), `Identifiers are needed: ${prefix}-0123abcd`),
      ),
    );

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

const contextSchema = z.object({
  /** Name of the stack and first part of the names of queues, functions and alarms. */
  prefix: optional(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,29}$/)
      .default('mailbox-sync'),
  ),
  // Below 20 little is left of it besides what the end of a run needs.
  // Short enough that visibility, grace and one watchdog period together stay within two periods of the watchdog.
  laneTimeoutSeconds: optional(z.coerce.number().int().min(20).max(870).default(120)),
  operationsTimeoutSeconds: optional(z.coerce.number().int().min(20).max(870).default(300)),
  watchdogPeriodSeconds: optional(
    z.coerce
      .number()
      .int()
      .min(60)
      // Alarms look at several periods, and must tell of a feed that stands before the stream forgets, after a day.
      .max(3_600)
      .multipleOf(60, 'A rate rule knows whole minutes only')
      .default(300),
  ),
  incomingConcurrency: optional(concurrency.default(100)),
  outgoingConcurrency: optional(concurrency.default(50)),
  operationsConcurrency: optional(concurrency.default(10)),
  webhooksConcurrency: optional(concurrency.default(20)),
  organizationSharePercent: optional(z.coerce.number().int().min(1).max(100).default(40)),
  allowedHostRanges: optional(hostRanges.default([])),
  hostConnectionCaps: optional(z.union([connectionCaps, connectionCapsText]).default({})),
  /** Private subnets with a route to a NAT gateway, whose address mail servers then see; and the groups for it. */
  egressSubnets: optional(resourceIds('subnet').optional()),
  egressSecurityGroups: optional(resourceIds('sg').optional()),
  allowInsecureCredentials: optional(flag.default(false)),
  publicUrl: optional(z.string().refine(isOrigin, 'An origin only: https://hub.example.com').optional()),
  corsOrigin: optional(
    z
      .string()
      .refine((text) => isOrigin(text) && isSecureUrl(text), 'An https origin only: https://crm.example.com')
      .optional(),
  ),
  oidcIssuer: optional(z.string().refine(isSecureUrl, 'An https URL: https://login.example.com').optional()),
  oidcClientId: optional(z.string().max(500).optional()),
  oidcClientSecretCiphertext: optional(
    z.base64('The CiphertextBlob that aws kms encrypt answers with').max(1_000).optional(),
  ),
  oidcOrganizationClaim: optional(z.string().max(100).optional()),
  oidcCaCertificates: optional(certificates.optional()),
  // API Gateway takes small letters only, and so do browsers name an origin.
  domainName: optional(z.hostname().toLowerCase().optional()),
  certificateArn: optional(certificateArn.optional()),
  /** Tables that stand in the place of the stack's own since they were restored from a backup. */
  restoredCyclesTable: optional(tableName.optional()),
  restoredRecordsStream: optional(restoredStream.optional()),
  removalPolicy: optional(z.enum(['retain', 'destroy']).default('retain')),
  savedQueries: optional(flag.default(true)),
  alarmTopicArn: optional(topicArn.optional()),
});

type Context = z.output<typeof contextSchema>;

const refuse = (context: z.core.$RefinementCtx, message: string): never => {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
};

const domainOf = ({ domainName, certificateArn }: Context, context: z.core.$RefinementCtx) => {
  if (domainName === undefined && certificateArn === undefined) return undefined;
  if (domainName !== undefined && certificateArn !== undefined) return { name: domainName, certificateArn };
  return refuse(context, 'domainName and certificateArn belong together: give both or neither');
};

/** Where users sign in to the console, as the api function takes it. */
const identityProviderOf = (options: Context, context: z.core.$RefinementCtx) => {
  const { oidcIssuer, oidcClientId, oidcClientSecretCiphertext, oidcOrganizationClaim, oidcCaCertificates } = options;
  const others = [oidcClientId, oidcClientSecretCiphertext, oidcOrganizationClaim, oidcCaCertificates];
  if (oidcIssuer === undefined && others.every((option) => option === undefined)) return undefined;
  if (oidcIssuer === undefined || oidcClientId === undefined)
    return refuse(context, 'oidcIssuer and oidcClientId belong together, and the other oidc options need them');
  return {
    issuer: oidcIssuer,
    clientId: oidcClientId,
    clientSecretCiphertext: oidcClientSecretCiphertext ?? null,
    organizationClaim: oidcOrganizationClaim ?? null,
    caCertificates: oidcCaCertificates ?? null,
  };
};

const egressOf = ({ egressSubnets, egressSecurityGroups }: Context, context: z.core.$RefinementCtx) => {
  if (egressSubnets === undefined && egressSecurityGroups === undefined) return undefined;
  if (egressSubnets !== undefined && egressSecurityGroups !== undefined)
    return { subnetIds: egressSubnets, securityGroupIds: egressSecurityGroups };
  return refuse(context, 'egressSubnets and egressSecurityGroups belong together: give both or neither');
};

const optionsSchema = contextSchema.transform((options, context) => ({
  ...options,
  domain: domainOf(options, context),
  identityProvider: identityProviderOf(options, context),
  egress: egressOf(options, context),
}));

export type DeploymentOptions = Readonly<z.output<typeof optionsSchema>>;

const keys = Object.keys(contextSchema.shape);

/** Reads the deployment's options from the CDK context (`cdk deploy -c key=value`, or `context` in cdk.json). */
export const readDeploymentOptions = (node: Node): DeploymentOptions => {
  const given = Object.fromEntries(keys.map((key) => [key, node.tryGetContext(key)]));
  const result = optionsSchema.safeParse(given);
  if (!result.success) throw new Error(`The deployment's context is not valid.\n${z.prettifyError(result.error)}`);
  return result.data;
};
