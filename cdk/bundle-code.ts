import { build } from 'esbuild';
import { bundling, projectRoot, replacements } from './bundling.ts';

/** The code of a module with all that it imports, made exactly as the deployment makes a function's. */
export const bundleCode = async (source: string): Promise<Uint8Array> => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: projectRoot, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: bundling.target,
    mainFields: bundling.mainFields,
    minify: bundling.minify,
    charset: 'utf8',
    banner: { js: bundling.banner },
    alias: { ...replacements },
    logLevel: 'warning',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild gave no code');
  return file.contents;
};

/** The code of a function, from the path of its handler. */
export const bundleFunction = (entry: string): Promise<Uint8Array> =>
  bundleCode(`export { handler } from ${JSON.stringify(entry)};`);
