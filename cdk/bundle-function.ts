import * as z from 'zod';
import { bundleFunction } from './bundle-code.ts';
import { functionNames } from './bundling.ts';

/** `bundle-function.ts NAME DIRECTORY`: a process of its own, since constructs cannot wait. */
const [name, directory] = z.tuple([z.enum(functionNames), z.string()]).parse(process.argv.slice(2));
await bundleFunction(name, directory);
