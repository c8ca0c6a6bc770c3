import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { entryOf, type FunctionName, projectRoot, target } from '../../../cdk/bundling.ts';

const services: Readonly<Record<string, string>> = {
  '@aws-sdk/client-dynamodb': 'dynamodb',
  '@aws-sdk/lib-dynamodb': 'dynamodb',
  '@aws-sdk/client-kms': 'kms',
  '@aws-sdk/client-s3': 's3',
  '@aws-sdk/client-scheduler': 'scheduler',
  '@aws-sdk/client-sqs': 'sqs',
};

/** What IAM asks for where it is not named like the command itself (Service Authorization Reference). */
const actionsOfCommands: Readonly<Record<string, readonly string[]>> = {
  'dynamodb:Get': ['dynamodb:GetItem'],
  'dynamodb:Put': ['dynamodb:PutItem'],
  'dynamodb:Update': ['dynamodb:UpdateItem'],
  'dynamodb:Delete': ['dynamodb:DeleteItem'],
  'dynamodb:BatchGet': ['dynamodb:BatchGetItem'],
  'dynamodb:TransactWrite': [
    'dynamodb:PutItem',
    'dynamodb:UpdateItem',
    'dynamodb:DeleteItem',
    'dynamodb:ConditionCheckItem',
  ],
  's3:CreateMultipartUpload': ['s3:PutObject'],
  's3:UploadPart': ['s3:PutObject'],
  's3:CompleteMultipartUpload': ['s3:PutObject'],
  's3:HeadObject': ['s3:GetObject'],
  's3:ListObjectsV2': ['s3:ListBucket'],
  's3:DeleteObjects': ['s3:DeleteObject'],
  'scheduler:CreateSchedule': ['scheduler:CreateSchedule', 'iam:PassRole'],
};

/**
 * What many functions share and each uses in part: an action is needed where another module of the bundle says this.
 * What is not named is needed wherever the module is. A bundler numbers names that clash.
 */
const neededFor: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  'shared/platform/lane-queues.ts': {
    'sqs:ChangeMessageVisibility': /\bqueues\d*\??\.pushBack\(/,
    'sqs:DeleteMessage': /\bqueues\d*\??\.acknowledge\(/,
    'sqs:GetQueueAttributes': /\bqueues\d*\??\.countWaiting\(/,
  },
  'shared/platform/content-store.ts': {
    's3:GetObject': /\bcontent\d*\??\.(read|stream|size|downloadUrl)\(/,
    's3:PutObject': /\bcontent\d*\??\.(put|putStream|uploadUrl)\(/,
    's3:AbortMultipartUpload': /\bcontent\d*\??\.putStream\(/,
    's3:ListBucket': /\bcontent\d*\??\.removeAll\(/,
    's3:DeleteObject': /\bcontent\d*\??\.removeAll\(/,
  },
  'shared/platform/records-table.ts': {
    'dynamodb:GetItem': /\btable\d*\??\.get\(/,
    'dynamodb:BatchGetItem': /\btable\d*\??\.(getMany|query)\(/,
    'dynamodb:Query': /\btable\d*\??\.query\(/,
    'dynamodb:PutItem': /\bput(:|,| })/,
    'dynamodb:UpdateItem': /\bupdate(:|,| })|\btable\d*\??\.increment\(/,
    'dynamodb:DeleteItem': /\bremove(:|,| })/,
    'dynamodb:ConditionCheckItem': /\bcheck(:|,| })/,
  },
};

/** What is left of each module of the project in the bundle of a function, readable and without what is never used. */
const bundledModules = async (name: FunctionName): Promise<ReadonlyMap<string, string>> => {
  const { outputFiles } = await build({
    entryPoints: { index: entryOf(name) },
    absWorkingDir: projectRoot,
    outdir: 'unused',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target,
    splitting: true,
    packages: 'external',
    write: false,
  });
  const modules = new Map<string, string>();
  // Each begins with a comment that says where it came from.
  for (const { text } of outputFiles)
    for (const part of text.split(/^ *\/\/ (?=(?:functions|shared)\/)/m).slice(1)) {
      const [path = ''] = part.split('\n', 1);
      modules.set(path, `${modules.get(path) ?? ''}${part.slice(path.length)}`);
    }
  return modules;
};

/** The service of each command of the AWS SDK, by the imports of the module. */
const serviceOf = (path: string, command: string): string => {
  const source = readFileSync(`${projectRoot}${path}`, 'utf8');
  for (const [, names = '', library = ''] of source.matchAll(/import \{([^}]*)\} from '(@aws-sdk\/[^']+)'/g))
    if (new RegExp(`\\b${command}\\b`).test(names) && services[library] !== undefined) return services[library];
  throw new Error(`${path} uses ${command}: of which service?`);
};

const callPattern = /\bnew (\w+?Command)\d*\(|\b(paginate\w+?)\d*\(/g;

/** The actions of the AWS calls that stand in a module. */
const actionsIn = (path: string, text: string): ReadonlySet<string> => {
  const calls = [...text.matchAll(callPattern)].map(([, command, paginator]) => command ?? paginator ?? '');
  return new Set(
    calls.flatMap((call) => {
      const action = `${serviceOf(path, call)}:${call.replace(/Command$|^paginate/, '')}`;
      return actionsOfCommands[action] ?? [action];
    }),
  );
};

/** What a function may ask of AWS, with the modules that do: `dynamodb:Scan` → functions/watchdog/handler.ts. */
export const actionsNeeded = async (name: FunctionName): Promise<ReadonlyMap<string, readonly string[]>> => {
  const modules = [...(await bundledModules(name))];
  const needed = new Map<string, readonly string[]>();
  for (const [path, text] of modules)
    for (const action of actionsIn(path, text)) {
      const condition = neededFor[path]?.[action];
      if (condition !== undefined && !modules.some(([other, said]) => other !== path && condition.test(said))) continue;
      needed.set(action, [...(needed.get(action) ?? []), path]);
    }
  return needed;
};
