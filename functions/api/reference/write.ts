import { writeFile } from 'node:fs/promises';
import { loadRoutes } from '../routes/index.ts';
import { createApiReference } from './api-reference.ts';
import { createProblemReference } from './problem-reference.ts';
import { createSettingsReference } from './settings-reference.ts';

/** Writes the generated pages of docs/. */
const pages = {
  'api-reference.md': createApiReference(await loadRoutes()),
  'settings-reference.md': createSettingsReference(),
  'problems.md': createProblemReference(),
};

for (const [name, text] of Object.entries(pages))
  await writeFile(new URL(`../../../docs/${name}`, import.meta.url), text);
