import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { entryOf, functionNames, projectRoot } from '../../../cdk/bundling.ts';
import { property, synthesize, withProperty } from './synthesize.ts';

const resources = synthesize();

/** The variables that a function's own code asks for, wherever in it the call of readConfiguration stands. */
const variablesRead = async (entry: string): Promise<readonly string[]> => {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: projectRoot,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  return Object.keys(metafile.inputs)
    .map((file) => readFileSync(`${projectRoot}${file}`, 'utf8'))
    .flatMap((source) => [...source.matchAll(/readConfiguration\(\s*\[([^\]]*)\]/g)])
    .flatMap(([, names = '']) => [...names.matchAll(/'([A-Z_]+)'/g)].map(([, name = '']) => name));
};

describe('the environment of each function', () => {
  it.each(functionNames)('%s gets every variable that it reads', async (name) => {
    const lambda = withProperty(resources, 'AWS::Lambda::Function', 'FunctionName', `mailbox-sync-${name}`);
    const given = Object.keys(property(lambda, 'Environment.Variables') ?? {});
    const read = await variablesRead(entryOf(name));
    expect(read.filter((variable) => !given.includes(variable))).toEqual([]);
  });
});
