import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction } from './bundle-code.ts';
import { functionNames } from './bundling.ts';

const show = (bytes: number): string => bytes.toLocaleString('en-US').padStart(12);

/** Prints the bytes of each function's bundle: what a cold start loads, and all of it. */
const directory = await mkdtemp(join(tmpdir(), 'bundles-'));
try {
  for (const name of functionNames) {
    const { loadedBytes, totalBytes } = await bundleFunction(name, join(directory, name));
    console.log(`${name.padEnd(14)}${show(loadedBytes)}${show(totalBytes)}`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
