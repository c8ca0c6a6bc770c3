import type { TestProject } from 'vitest/node';
import type { LocalEnvironment } from '../../local/environment.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/local-cloud.ts';
import { localFile } from '../../local/paths.ts';
import { createProgress } from '../../local/progress.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The deployed stack and its mail servers: `inject('localCloud')`. */
    localCloud: LocalEnvironment;
  }
}

/**
 * Starts a local cloud of the caller's own, for tests that stop and start it or that need other settings. Whatever
 * else runs from this checkout is not touched.
 */
export const startDeployedStack = async (
  options: Omit<LocalCloudOptions, 'progress'> & { readonly logs: string },
): Promise<LocalCloud> =>
  startLocalCloud({
    ...options,
    progress: createProgress(process.stderr),
    logDirectory: await localFile(options.logs),
  });

/** Runs once before all e2e tests; vitest calls what it returns after the last one. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const cloud = await startDeployedStack({ logs: 'e2e-logs' });
  project.provide('localCloud', cloud.environment);
  return cloud.stop;
};
