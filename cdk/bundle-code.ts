import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { banner, entryOf, type FunctionName, projectRoot, replacements, target } from './bundling.ts';

/** esbuild's own aliases know packages only; this is a file within one. */
const withoutMediaTypes: Plugin = {
  name: 'without-media-types',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^\.\/mimetypes$/ }, ({ importer }) =>
      importer.includes('/libmime/') ? { path: `${projectRoot}cdk/replacements/libmime-mimetypes.ts` } : undefined,
    );
  },
};

const consoleFolder = `${projectRoot}console/`;

/** The scripts of the console as one, for a browser. */
const consoleScript = async (): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [`${consoleFolder}console.js`],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
    logLevel: 'warning',
  });
  return outputFiles.map(({ text }) => text).join('');
};

/** The files of the console come along as text: a deployed function has no folder to read them from. */
const withConsoleFiles: Plugin = {
  name: 'with-console-files',
  setup: (bundler) => {
    bundler.onLoad({ filter: /\/functions\/api\/console\/console-files\.ts$/ }, async () => {
      const files = {
        'index.html': await readFile(`${consoleFolder}index.html`, 'utf8'),
        'console.css': await readFile(`${consoleFolder}console.css`, 'utf8'),
        'console.js': await consoleScript(),
      };
      return { contents: `export const consoleFiles = ${JSON.stringify(files)};`, loader: 'js' };
    });
  },
};

/**
 * How every function is bundled, for the deployment and for measuring alike. ES modules keep unused code out and allow
 * top-level await. Nothing is left outside the bundle, the AWS SDK included: what was tested is what runs, and a
 * runtime update by AWS cannot change it.
 */
const options = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target,
  mainFields: ['module', 'main'],
  minify: true,
  // The tables of character sets in our dependencies are a third smaller than with escapes.
  charset: 'utf8',
  banner: { js: banner },
  alias: { ...replacements },
  plugins: [withoutMediaTypes, withConsoleFiles],
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** The code of a module with all that it imports, in one file. */
export const bundleCode = async (source: string): Promise<Uint8Array> => {
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: source, resolveDir: projectRoot, loader: 'ts' },
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild gave no code');
  return file.contents;
};

export interface FunctionBundle {
  /** Path of the module that has the handler. */
  readonly file: string;
  /** What a cold start loads. */
  readonly loadedBytes: number;
  /** With what is loaded once it is needed. */
  readonly totalBytes: number;
}

const loadedWith = (outputs: Metafile['outputs'], entry: string): ReadonlySet<string> => {
  const loaded = new Set<string>();
  const visit = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && outputs[imported] !== undefined) visit(imported);
  };
  visit(entry);
  return loaded;
};

/**
 * Writes the code of a function into a directory as it is deployed: `index.mjs`, and beside it the parts that are
 * imported when they are first needed.
 */
export const bundleFunction = async (name: FunctionName, directory: string): Promise<FunctionBundle> => {
  const { metafile } = await build({
    ...options,
    entryPoints: { index: entryOf(name) },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    splitting: true,
    metafile: true,
  });
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint?.endsWith(`${name}/handler.ts`));
  if (entry === undefined) throw new Error(`esbuild gave no code for ${name}`);
  const sizeOf = (paths: Iterable<string>): number =>
    [...paths].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
  return {
    file: join(directory, 'index.mjs'),
    loadedBytes: sizeOf(loadedWith(outputs, entry)),
    totalBytes: sizeOf(Object.keys(outputs)),
  };
};
