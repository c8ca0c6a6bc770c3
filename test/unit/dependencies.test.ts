import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const importPattern = /(?:^|\n)\s*(?:import|export)[^'"\n]*(?:\{[^}]*\}[^'"\n]*)?from\s+'(\.[^']+)'/g;

/** Files of the project that a file imports, as paths from the project's root. */
const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(importPattern)].map(([, target = '']) =>
    normalize(join(dirname(file), target)),
  );

const filesIn = (folder: string): string[] => globSync(`${folder}/**/*.ts`, { cwd: root }).sort();

const violations = (files: readonly string[], allowed: (target: string) => boolean): string[] =>
  files.flatMap((file) =>
    importsOf(file)
      .filter((target) => !allowed(target))
      .map((target) => `${file} imports ${target}`),
  );

const within =
  (...folders: readonly string[]) =>
  (target: string) =>
    folders.some((folder) => target.startsWith(`${folder}/`));

describe('dependencies point one way', () => {
  it('finds imports at all', () => {
    expect(importsOf('functions/incoming/handler.ts').length).toBeGreaterThan(1);
  });

  it('the platform knows nothing of the domain', () => {
    expect(violations(filesIn('shared/platform'), within('shared/platform'))).toEqual([]);
  });

  it('transports know the platform only', () => {
    expect(violations(filesIn('shared/transport'), within('shared/transport', 'shared/platform'))).toEqual([]);
  });

  it('the domain knows no functions, no deployment and no tests', () => {
    expect(violations(filesIn('shared'), within('shared'))).toEqual([]);
  });

  it('functions know their own folder, what functions have in common, and the domain', () => {
    for (const name of [
      'api',
      'incoming',
      'outgoing',
      'operations',
      'feed',
      'watchdog',
      'dead-letters',
      'operator-key',
      'recovery',
    ])
      expect(
        violations(filesIn(`functions/${name}`), within(`functions/${name}`, 'functions/common', 'shared')),
      ).toEqual([]);
  });

  it('the stack knows of the running code only the names of its metrics', () => {
    const stack = filesIn('cdk').filter((file) => !within('cdk/replacements')(file));
    expect(
      violations(stack, (target) => within('cdk')(target) || target === 'shared/platform/metric-names.ts'),
    ).toEqual([]);
  });

  it('what takes the place of packages in the bundles knows of the running code only the character sets', () => {
    expect(violations(filesIn('cdk/replacements'), (target) => target === 'shared/email/mime/charsets.ts')).toEqual([]);
  });
});
