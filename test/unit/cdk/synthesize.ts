import { readFileSync } from 'node:fs';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { readDeploymentOptions } from '../../../cdk/deployment-options.ts';
import { MailboxSyncStack } from '../../../cdk/mailbox-sync-stack.ts';

const cdkJson = z
  .object({ context: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(new URL('../../../cdk.json', import.meta.url), 'utf8')));

/** The stack as `cdk synth -c key=value` makes it, without the bundling of the functions' code. */
export const createStack = (context: Readonly<Record<string, unknown>> = {}): { app: App; stack: Stack } => {
  const app = new App({ context: { ...cdkJson.context, ...context, 'aws:cdk:bundling-stacks': [] } });
  const options = readDeploymentOptions(app.node);
  return { app, stack: new MailboxSyncStack(app, options.prefix, { options, version: '1.2.3' }) };
};

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: unknown;
  readonly deletionPolicy: unknown;
}

/** What stands at a path of names and positions (`Environment.Variables`, `Rules.0.Id`); undefined when nothing does. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, name) => {
    if (typeof inner !== 'object' || inner === null) return undefined;
    return (inner as Readonly<Record<string, unknown>>)[name];
  }, value);

/** A property of a resource. */
export const property = (resource: Resource | undefined, path: string): unknown => at(resource?.properties, path);

/** A property that is a list; empty when there is none. */
export const list = (resource: Resource | undefined, path: string): readonly unknown[] => {
  const found = property(resource, path);
  return Array.isArray(found) ? found : [];
};

/** The logical id that a property refers to, by Ref or as the subject of Fn::GetAtt. */
export const referenceIn = (resource: Resource | undefined, path: string): unknown =>
  property(resource, `${path}.Ref`) ?? property(resource, `${path}.Fn::GetAtt.0`);

export const synthesize = (context: Readonly<Record<string, unknown>> = {}): readonly Resource[] => {
  const { Resources = {} } = Template.fromStack(createStack(context).stack).toJSON();
  return Object.entries(Resources as Record<string, Record<string, unknown>>).map(([id, resource]) => ({
    id,
    type: String(resource['Type']),
    properties: resource['Properties'],
    deletionPolicy: resource['DeletionPolicy'],
  }));
};

/** The resource of a type whose property has the value, like the queue of a name. */
export const withProperty = (
  resources: readonly Resource[],
  type: string,
  path: string,
  value: unknown,
): Resource | undefined => resources.find((one) => one.type === type && property(one, path) === value);

export const ofType = (resources: readonly Resource[], type: string): readonly Resource[] =>
  resources.filter((resource) => resource.type === type);
