import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { bundling, entryOf, functionNames } from './bundling.ts';

/** Prints the bytes of each function's bundle, made exactly as the deployment makes it. */
const bundleBytes = async (entry: string): Promise<number> => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: bundling.target,
    mainFields: bundling.mainFields,
    minify: bundling.minify,
    charset: 'utf8',
    banner: { js: bundling.banner },
    logLevel: 'warning',
  });
  return outputFiles.reduce((sum, file) => sum + file.contents.byteLength, 0);
};

for (const name of functionNames) {
  const entry = entryOf(name);
  const size = existsSync(entry) ? (await bundleBytes(entry)).toLocaleString('en-US') : 'absent';
  console.log(`${name.padEnd(14)}${size.padStart(12)}`);
}
