import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleFunction } from '../../../cdk/bundle-code.ts';
import { functionNames } from '../../../cdk/bundling.ts';

const leftAlone = ['operator-key', 'recovery', 'webhooks'] as const;

/** The functions that the harness invokes. */
export type InvokedFunction = Exclude<(typeof functionNames)[number], (typeof leftAlone)[number]>;
export const invokedFunctions = functionNames.filter(
  (name): name is InvokedFunction => !leftAlone.some((one) => one === name),
);

export interface FunctionCode {
  /** The script that loads a function and invokes it. */
  readonly hostFile: string;
  readonly fileOf: (name: InvokedFunction) => string;
}

/** Writes the functions into a directory as they are deployed, and the script that hosts them. */
export const writeFunctionCode = async (directory: string): Promise<FunctionCode> => {
  const hostFile = join(directory, 'host.mjs');
  const fileOf = (name: InvokedFunction): string => join(directory, name, 'index.mjs');
  const host = build({
    entryPoints: [join(import.meta.dirname, 'function-host.ts')],
    outfile: hostFile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  const functions = invokedFunctions.map((name) => bundleFunction(name, join(directory, name)));
  await Promise.all([host, ...functions]);
  return { hostFile, fileOf };
};
