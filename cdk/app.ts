import { readFileSync } from 'node:fs';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { projectRoot } from './bundling.ts';
import { readDeploymentOptions } from './deployment-options.ts';
import { MailboxSyncStack } from './mailbox-sync-stack.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(`${projectRoot}package.json`, 'utf8')));

const app = new App();
const options = readDeploymentOptions(app.node);
new MailboxSyncStack(app, options.prefix, { options, version });
// A finding that no construct has answered with its reason stops the deployment here.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
