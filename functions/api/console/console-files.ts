import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../console/', import.meta.url));

/** Text of the files of the console by name. The bundler puts their text in the place of this module. */
export const consoleFiles: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => /\.(?:html|css|js)$/.test(name))
    .map((name) => [name, readFileSync(`${folder}${name}`, 'utf8')]),
);
