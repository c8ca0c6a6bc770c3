import { bundleFunction } from './bundle-code.ts';
import { entryOf, functionNames } from './bundling.ts';

/** Prints the bytes of each function's bundle. */
for (const name of functionNames) {
  const { byteLength } = await bundleFunction(entryOf(name));
  console.log(`${name.padEnd(14)}${byteLength.toLocaleString('en-US').padStart(12)}`);
}
